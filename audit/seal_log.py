"""Read the log of seals from Kafka and hold each checkpoint to it (integrity.md §3, §4).

The topic of seals has each signed checkpoint as a note, with the entry of the seal that its log
ends with in a header. Two checkpoints of one size that differ are a fork, and refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.errors import BadInput
from runut.merkle import Frontier
from runut.notes import Checkpoint, Note, VerifierKey, parse_checkpoint, parse_note
from runut.records import RawRecord
from runut.seals import Seal, demand_first, demand_follows, seal_of
from runut.settings import Settings

ENTRY_HEADER: Final = "runut-seal"


class LogReached(msgspec.Struct, frozen=True):
    """How far the log of seals was verified, to go on from there."""

    offset: int = 0
    """Of the next record of the topic."""
    frontier: bytes = Frontier().to_bytes()
    last: str = ""
    """The entry of the last seal."""


class SealLog:
    """The log of seals as far as it was read; every seal in it follows from the one before."""

    def __init__(self, key: VerifierKey | None, since: LogReached) -> None:
        """Take the key whose signature counts; without one every checkpoint is read."""
        self.seals: list[Seal] = []
        """Those read since."""
        self.note: Note | None = None
        """The newest checkpoint."""
        self._key = key
        self._offset = since.offset
        self._tree = Frontier.from_bytes(since.frontier)
        self.begun: Final = self._tree.size
        """How many seals were verified before."""
        self._last = seal_of(since.last.encode()) if since.last else None
        self._entry = since.last
        self.checkpoints: dict[int, str] = {}
        """Their text, by the size of the log."""

    @property
    def last(self) -> Seal | None:
        """The newest seal."""
        return self.seals[-1] if self.seals else self._last

    @property
    def size(self) -> int:
        """How many seals there are."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """Of the tree of all seals."""
        return self._tree.root()

    @property
    def reached(self) -> LogReached:
        """To go on from here another time."""
        return LogReached(self._offset, self._tree.to_bytes(), self._entry)

    async def read(self, settings: Settings) -> None:
        """Read the topic to its end.

        Raises:
            BadInput: a checkpoint is not of this log, or there are two of one size.
            LedgerMismatch: a seal does not follow from the one before.
            Unreachable: Kafka does not answer.
        """
        consumer = kafka.consumer(settings)
        place = TopicPartition(settings.seals_topic, 0)
        async with kafka.connected(settings, consumer):
            start = {place: self._offset}
            async for records in kafka.read_to_end(settings, consumer, start):
                for record in records:
                    self._take(record)
                    self._offset = record.offset + 1

    def _take(self, record: RawRecord) -> None:
        try:
            note = parse_note(record.value or b"")
            checkpoint = parse_checkpoint(note.text)
        except BadInput:
            return  # not signed by anybody: no word of the ledger
        if self._key is not None and not _is_signed(note, self._key):
            return
        entry = dict(record.headers).get(ENTRY_HEADER) or b""
        if checkpoint.size <= self._tree.size:
            self._demand_known(checkpoint, note.text)
            return
        self._append(seal_of(entry), entry.decode(), checkpoint)
        self.checkpoints[checkpoint.size] = note.text
        self.note = note

    def _append(self, seal: Seal, entry: str, checkpoint: Checkpoint) -> None:
        if self.last is None:
            demand_first(seal)
        else:
            demand_follows(seal, self.last)
        self._tree.append(seal.leaf())
        if (checkpoint.size, checkpoint.root) != (self._tree.size, self._tree.root()):
            expected = f"size {self._tree.size}, root {self._tree.root().hex()}"
            found = f"size {checkpoint.size}, root {checkpoint.root.hex()}"
            raise BadInput(f"checkpoint of seal {seal.index}", expected, found)
        self.seals.append(seal)
        self._entry = entry

    def _demand_known(self, checkpoint: Checkpoint, text: str) -> None:
        """That a checkpoint which is there again is the same one."""
        known = self.checkpoints.get(checkpoint.size, text)
        if known != text:
            thing = f"checkpoint of size {checkpoint.size}"
            raise BadInput(thing, "one", "two that differ: the log was forked")


def _is_signed(note: Note, key: VerifierKey) -> bool:
    return any(key.verified(note.text, one) is not None for one in note.signatures)


def heads_of(seals: Sequence[Seal], topic: str, partition: int) -> dict[int, bytes]:
    """The root of a tree at each size that seals have of it."""
    return {seal.head(topic, partition).size: seal.head(topic, partition).root for seal in seals}
