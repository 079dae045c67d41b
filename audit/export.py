"""Collect a case bundle: records and directory from Kafka, proofs from what the sealer keeps.

Owns what goes in; the forms are `audit.bundle`'s. Everything is taken as of one seal, so whoever
exports the same case at the same checkpoint gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Final, NamedTuple

from audit.bundle import (
    DIRECTORY,
    EVIDENCE,
    FORMAT,
    HISTORY,
    MARKERS,
    RECORDS,
    STATE,
    Chained,
    Evidence,
    Manifest,
    Place,
    Witnessed,
    markers_key,
    records_file,
    schema_files,
    to_json,
    write_bundle,
)
from audit.documents import documents, moment_of
from audit.judging import judge, pairs
from audit.report import reports_of
from audit.report.content import Content
from projections.folds.subject import fold_subject
from projections.queries import queries
from projections.seals.log import SignedSeal, latest_seal, seal_at
from projections.seals.proofs import Proofs
from runut.adapters import postgres
from runut.adapters.kafka import records_of
from runut.adapters.postgres import Connection
from runut.directory import Ledger, founded
from runut.directory_log import DirectoryLog
from runut.errors import NotFound
from runut.event import Recorded
from runut.proofs import KeyProof
from runut.records import RawRecord
from runut.seals import Seal, TreeHead
from runut.settings import Settings

_SQL: Final = queries("comparing")

Progress = Callable[[int, int], None]
"""Told how many records of the partition were read, of how many."""
Demand = Callable[[Sequence[Recorded]], Awaitable[None]]
"""Refuses a bundle, by raising, that would hold these events."""


async def _refuse_nothing(_events: Sequence[Recorded]) -> None:
    """For whoever runs the ledger."""


class _Log(NamedTuple):
    """What of a partition goes into the bundle, and the clock at each of these records."""

    place: tuple[str, int]
    records: list[RawRecord]
    markers: list[RawRecord]
    times_ms: dict[int, int]


class _Directory(NamedTuple):
    """All of the directory up to a seal, and what it establishes."""

    records: list[RawRecord]
    log: DirectoryLog


async def export(
    settings: Settings,
    subject: str,
    seal: int | None = None,
    progress: Progress = lambda _read, _total: None,
    demand: Demand = _refuse_nothing,
) -> bytes:
    """The bundle of a subject up to a seal: the newest cosigned one by default, else the newest.

    `demand` is asked with all events that would be in it, before it is written.

    Raises:
        NotFound: no seal covers an event of it, or there is no such seal.
        LedgerMismatch: Kafka does not hold what was sealed.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    async with postgres.connected(settings, name="runut export", autocommit=True) as connection:
        return await _Export(connection, settings, subject, progress, demand).at(seal)


class _Export:
    """One export under way."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        subject: str,
        progress: Progress,
        demand: Demand,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._proofs = Proofs(connection, settings)
        self._subject = subject
        self._progress = progress
        self._demand = demand

    async def at(self, index: int | None) -> bytes:
        of_subject = await self._proofs.key(self._subject, index)
        if not of_subject.count:
            raise NotFound(self._subject, await self._why_none(index))
        seal = of_subject.seal.seal()
        head = seal.head(of_subject.topic, of_subject.partition)
        of_markers = await self._proofs.key(markers_key(head.partition), seal.index)
        directory = await self._directory(seal)
        ledger = founded(directory.log.latest.ledger)
        log = await self._read(head, ledger.timestamp_type)
        evidence = Evidence(
            of_subject.seal,
            await self._places(head, log.records, log),
            await self._places(head, log.markers, log),
            _chained(of_subject),
            _chained(of_markers),
            await self._witnessed(head, seal.index, log.records),
        )
        return await self._written(seal, ledger, directory, log, evidence)

    async def _why_none(self, index: int | None) -> str:
        """Why there is nothing to export: it may be sealed, and witnesses be behind."""
        newest = (await latest_seal(self._connection)).seal.index
        if index is not None and index < newest:
            return f"seal {index} covers no event of it"
        if not (await self._proofs.key(self._subject, newest)).count:
            return "no seal covers an event of it (yet)"
        return (
            f"seal {newest} covers it, and no witness has cosigned a seal that does (yet); "
            f"--seal {newest} exports it as it is, without a witness"
        )

    async def _written(
        self, seal: Seal, ledger: Ledger, directory: _Directory, log: _Log, evidence: Evidence
    ) -> bytes:
        directories = directory.log
        placed = [*pairs(log.records, evidence.records), *pairs(log.markers, evidence.markers)]
        judged = judge(log.place[1], placed, directories)
        await self._demand(judged.events)
        folded = fold_subject(judged.events, directories.at)
        at = moment_of(seal.sealed_at_ms)
        state, history = documents(self._subject, folded, directories.latest, at)
        note, release = evidence.seal.note, version("runut")
        content = Content(
            *(ledger.name, self._subject, seal.index, at, note, folded),
            *(directories.latest, judged.by_gateway),
        )
        manifest = Manifest(
            *(FORMAT, ledger.name, ledger.ledger_id.hex(), self._subject),
            *(*log.place, self._settings.directory_topic, seal.index),
            *(release, {}),
        )
        files = {
            RECORDS: records_file(log.records),
            MARKERS: records_file(log.markers),
            DIRECTORY: records_file(directory.records),
            EVIDENCE: to_json(evidence),
            STATE: state,
            HISTORY: history,
            **schema_files(one.event.type for one in judged.events),
            **(reports_of(release, content) or {}),
        }
        return write_bundle(manifest, files)

    async def _read(self, head: TreeHead, timestamp_type: int) -> _Log:
        subject, markers = self._subject.encode(), markers_key(head.partition).encode()
        log, clock_ms = _Log(head.place, [], [], {}), 0
        async for records in records_of(self._settings, head.topic, head.partition, head.size):
            for record in records:
                if record.timestamp_type == timestamp_type:
                    clock_ms = max(clock_ms, record.timestamp_ms)
                if record.key in {subject, markers}:
                    (log.records if record.key == subject else log.markers).append(record)
                    log.times_ms[record.offset] = clock_ms
            self._progress(records[-1].offset + 1, head.size)
        return log

    async def _directory(self, seal: Seal) -> _Directory:
        topic = self._settings.directory_topic
        found = _Directory([], DirectoryLog())
        async for some in records_of(self._settings, topic, 0, seal.head(topic, 0).size):
            for record in some:
                found.records.append(record)
                found.log.append(record)
        return found

    async def _places(
        self, head: TreeHead, records: Iterable[RawRecord], log: _Log
    ) -> tuple[Place, ...]:
        tree = await self._proofs.tree(head.topic, head.partition)
        return tuple(
            [
                Place(
                    one.offset,
                    log.times_ms[one.offset],
                    await tree.inclusion_path(one.offset, head.size),
                )
                for one in records
            ]
        )

    async def _witnessed(
        self, head: TreeHead, last: int, records: Sequence[RawRecord]
    ) -> tuple[Witnessed, ...]:
        """The cosigned seals around each record, but for the last one."""
        cursor = await self._connection.execute(_SQL["cosigned_seals"], {"before": last})
        indexes = [row[0] for row in await cursor.fetchall()]
        seals: dict[int, SignedSeal] = {}

        async def size_of(index: int) -> int:
            if index not in seals:
                seals[index] = await seal_at(self._connection, index)
            return seals[index].seal.head(head.topic, head.partition).size

        wanted: set[int] = set()
        for record in records:
            low, high = 0, len(indexes)
            while low < high:  # the first seal that has the record
                middle = (low + high) // 2
                has_it = await size_of(indexes[middle]) > record.offset
                low, high = (low, middle) if has_it else (middle + 1, high)
            wanted.update(indexes[max(0, low - 1) : low + 1])
        return tuple([await self._witness(seals, one, last) for one in sorted(wanted)])

    async def _witness(self, seals: dict[int, SignedSeal], index: int, last: int) -> Witnessed:
        found = seals.get(index) or await seal_at(self._connection, index)
        growth = await self._proofs.growth(index + 1, last + 1)
        return Witnessed(await self._proofs.seal(found), growth)


def _chained(proof: KeyProof) -> Chained:
    return Chained(proof.count, proof.chain_head, proof.siblings, proof.other)
