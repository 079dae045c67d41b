"""Read the log of seals from Kafka and hold each checkpoint to it (integrity.md §3, §4).

The topic of seals has each signed checkpoint as a note, with the entry of the seal that its log
ends with in a header. Two checkpoints of one size that differ are a fork, and refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from aiokafka.structs import TopicPartition

from audit.documents import moment_of
from audit.unsealed import MadeSeal
from runut.adapters import kafka
from runut.errors import BadInput, LedgerMismatch
from runut.merkle import Frontier
from runut.notes import Checkpoint, Note, VerifierKey, parse_checkpoint, parse_note
from runut.records import RawRecord
from runut.seals import Seal, demand_first, demand_follows, seal_of
from runut.settings import Settings

ENTRY_HEADER: Final = "runut-seal"


class LogReached(msgspec.Struct, frozen=True):
    """How far the log of seals was verified: what is read another time has to go on from there."""

    size: int = 0
    root: bytes = b""


class SealLog:
    """The log of seals, read from its start: every seal in it follows from the one before.

    It is small, and a second checkpoint of any size shows a fork, however old that size is.
    """

    def __init__(self, key: VerifierKey | None, before: LogReached) -> None:
        """Take the key whose signature counts; without one every checkpoint is read."""
        self.seals: list[Seal] = []
        self.note: Note | None = None
        """The newest checkpoint."""
        self.before: Final = before
        """What was verified before."""
        self._key = key
        self._tree = Frontier()
        self.checkpoints: dict[int, str] = {}
        """Their text, by the size of the log."""
        self._made_ms: list[int] = []

    @property
    def made(self) -> list[MadeSeal]:
        """Each seal, and when it was made. Raises as `moment_of` does."""
        times = map(moment_of, self._made_ms)
        return [MadeSeal(*one) for one in zip(self.seals, times, strict=True)]

    @property
    def last(self) -> Seal | None:
        """The newest seal."""
        return self.seals[-1] if self.seals else None

    @property
    def size(self) -> int:
        """How many seals there are."""
        return self._tree.size

    @property
    def reached(self) -> LogReached:
        """To be held to another time."""
        return LogReached(self.size, self._tree.root())

    async def read(self, settings: Settings) -> None:
        """Read the topic to its end.

        Raises:
            BadInput: a checkpoint is not of this log, or there are two of one size.
            LedgerMismatch: a seal does not follow from the one before, or from what was verified.
            Unreachable: Kafka does not answer.
        """
        consumer = kafka.consumer(settings)
        place = TopicPartition(settings.seals_topic, 0)
        async with kafka.connected(settings, consumer):
            async for records in kafka.read_to_end(settings, consumer, {place: 0}):
                for record in records:
                    self._take(record)
        if self.size < self.before.size:
            raise LedgerMismatch(
                f"log of seals: expected the {self.before.size} that were verified before, "
                f"found {self.size}"
            )

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
        self._append(seal_of(entry), checkpoint)
        self._made_ms.append(min(self.seals[-1].sealed_at_ms, record.timestamp_ms))
        self.checkpoints[checkpoint.size] = note.text
        self.note = note

    def _append(self, seal: Seal, checkpoint: Checkpoint) -> None:
        if self.last is None:
            demand_first(seal)
        else:
            demand_follows(seal, self.last)
        self._tree.append(seal.leaf())
        if (checkpoint.size, checkpoint.root) != (self._tree.size, self._tree.root()):
            expected = f"size {self._tree.size}, root {self._tree.root().hex()}"
            found = f"size {checkpoint.size}, root {checkpoint.root.hex()}"
            raise BadInput(f"checkpoint of seal {seal.index}", expected, found)
        if self.size == self.before.size and checkpoint.root != self.before.root:
            expected, found = self.before.root.hex(), checkpoint.root.hex()
            raise LedgerMismatch(
                f"log of seals at size {self.size}: expected root {expected}, which was verified "
                f"before, found {found}: the log was forked"
            )
        self.seals.append(seal)

    def _demand_known(self, checkpoint: Checkpoint, text: str) -> None:
        """That a checkpoint which is there again is the same one."""
        if self.checkpoints.get(checkpoint.size, text) != text:  # an empty log has none
            thing = f"checkpoint of size {checkpoint.size}"
            raise BadInput(thing, "one", "two that differ: the log was forked")


def _is_signed(note: Note, key: VerifierKey) -> bool:
    return any(key.verified(note.text, one) is not None for one in note.signatures)


def heads_of(seals: Sequence[Seal], topic: str, partition: int) -> dict[int, bytes]:
    """The root of a tree at each size that seals have of it."""
    return {seal.head(topic, partition).size: seal.head(topic, partition).root for seal in seals}
