"""The topic of seals: signed checkpoints, each with the seal that its log ends with.

Owns how they stand there: the note as the value, the seal's entry in a header, and the log's
origin as the key. So the log of seals can be made again from Kafka alone. Refuses what the
ledger's key did not sign, and two seals of one index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from runut.adapters import kafka
from runut.errors import BadInput, SealMismatch
from runut.notes import Note, NoteSignature, VerifierKey, parse_note
from runut.records import RawRecord
from runut.seals import Seal, seal_of
from runut.settings import Settings

log = structlog.get_logger(__name__)

ENTRY_HEADER: Final = "runut-seal"
FIRST_STEP: Final = 64
"""Records at the topic's end among which the seals that are wanted are looked for first."""


class PublishedSeal(msgspec.Struct, frozen=True):
    """A seal, and the checkpoint of the log that ends with it, as signed."""

    seal: Seal
    entry: bytes
    checkpoint: str
    signature: NoteSignature


class PublishedSeals:
    """The topic, read and written by the one sealer."""

    def __init__(
        self,
        settings: Settings,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        key: VerifierKey,
    ) -> None:
        """Take a consumer that nobody else uses, and the key whose signature counts."""
        self._settings = settings
        self._consumer = consumer
        self._producer = producer
        self._key = key
        self._place = TopicPartition(settings.seals_topic, 0)

    async def publish(self, entry: bytes, note: Note) -> None:
        """Write a seal and wait until it is stored.

        Raises:
            Unreachable: Kafka does not take it.
        """
        with kafka.translated(self._settings):
            await self._producer.send_and_wait(
                self._place.topic,
                note.to_bytes(),
                key=self._key.name.encode(),
                partition=self._place.partition,
                headers=[(ENTRY_HEADER, entry)],
            )

    async def since(self, index: int) -> AsyncIterator[PublishedSeal]:
        """The seals from an index on, each once.

        Raises:
            SealMismatch: one is missing, is there in two ways, or is not signed by the key.
            Unreachable: Kafka does not answer.
        """
        seen: dict[int, str] = {}
        async for found in self._read_from(await self._start(index)):
            number = found.seal.index
            if number >= index and seen.get(number) != found.checkpoint:
                if number in seen:
                    raise SealMismatch(number, "checkpoint", "one", "two that differ")
                if number != index + len(seen):
                    missing = index + len(seen)
                    raise SealMismatch(
                        missing, self._place.topic, "it after the one before", number
                    )
                seen[number] = found.checkpoint
                yield found

    async def last(self) -> PublishedSeal | None:
        """The seal published last."""
        last: PublishedSeal | None = None
        async for start in self._steps_back():
            async for found in self._read_from(start):
                last = found
            if last is not None:
                break
        return last

    async def _start(self, index: int) -> int:
        """An offset before which there is no seal of this or a later index."""
        async for start in self._steps_back():
            async for found in self._read_from(start):
                if found.seal.index < index:
                    return start
                break
        return 0

    async def _steps_back(self) -> AsyncIterator[int]:
        """Offsets ever further from the topic's end, the last of them 0."""
        ends = await kafka.end_offsets(self._settings, self._consumer, [self._place])
        step = FIRST_STEP
        while step < ends[self._place]:
            yield ends[self._place] - step
            step *= 4
        yield 0

    async def _read_from(self, offset: int) -> AsyncIterator[PublishedSeal]:
        start = {self._place: offset}
        async for records in kafka.read_to_end(self._settings, self._consumer, start):
            for record in records:
                found = self._seal_in(record)
                if found is not None:
                    yield found

    def _seal_in(self, record: RawRecord) -> PublishedSeal | None:
        """The seal in a record; None of what is no note of this log."""
        entry = dict(record.headers).get(ENTRY_HEADER) or b""
        try:
            note, seal = parse_note(record.value or b""), seal_of(entry)
        except BadInput as error:
            log.warning("a record that is no seal", offset=record.offset, reason=str(error))
            return None
        for signature in note.signatures:
            if self._key.verified(note.text, signature):
                return PublishedSeal(seal, entry, note.text, signature)
        signers = ", ".join(signature.name for signature in note.signatures)
        raise SealMismatch(seal.index, "checkpoint", f"one signed by {self._key}", f"by {signers}")
