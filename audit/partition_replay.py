"""Fold one partition again from Kafka, and hold the read models to it field by field.

Both sides stand at the same place: the tables are seen in a snapshot, the log is read up to the
position in it. Trusts nothing in PostgreSQL but how far it claims to be. As of an earlier place,
subjects that did not move since are held to their tables, the others to their history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from audit import tables
from audit.facts import Difference, Facts, differences, facts_of, plain
from audit.ledger_log import PartitionLog, read_partition
from projections.folds.subject import FoldedSubject, fold_subject
from projections.store import Position
from runut.adapters.postgres import Connection
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch
from runut.event import Recorded
from runut.seals import TreeHead
from runut.settings import Settings

SUBJECTS_AT_ONCE: Final = 200
LISTED: Final = 1000
"""Differences that are listed; the others are counted."""


class Wanted(msgspec.Struct, frozen=True):
    """What is to be replayed: everything or one subject, now or as of a moment or of a seal."""

    subject: str | None = None
    as_of: datetime | None = None
    heads: tuple[TreeHead, ...] = ()
    """Those of a seal: what lies beyond them is left out."""
    ends: Mapping[int, int] = {}
    """By partition, the offset before which to replay; where none is named, all that is there."""

    def head(self, topic: str, partition: int) -> TreeHead | None:
        """What the seal says of a partition; None where no seal is asked for."""
        return next((one for one in self.heads if one.place == (topic, partition)), None)

    def end(self, settings: Settings, position: Position) -> int:
        """The offset before which a partition is to be replayed.

        Raises:
            LedgerMismatch: the read models are not so far.
        """
        head = self.head(settings.events_topic, position.partition)
        end = head.size if head else self.ends.get(position.partition, position.next_offset)
        if end > position.next_offset:
            raise LedgerMismatch(
                f"read models of partition {position.partition}: expected up to offset {end - 1},"
                f" found up to {position.next_offset - 1}"
            )
        return end

    def known(self, records: Sequence[Recorded], end: int) -> list[Recorded]:
        """Those of a partition's records that were there by then."""
        return [
            one
            for one in records
            if one.offset < end and (self.as_of is None or one.recorded_at <= self.as_of)
        ]


class Replayed(msgspec.Struct):
    """What a replay found."""

    positions: dict[int, int]
    """The offset before which each partition was replayed."""
    subjects: int = 0
    events: int = 0
    quarantined: int = 0
    differing: int = 0
    """Fields that the read models have otherwise than the log."""
    differences: list[Difference] = msgspec.field(default_factory=list)
    """The first `LISTED` of them."""

    def differ(self, found: Sequence[Difference]) -> None:
        """Take differences."""
        self.differing += len(found)
        self.differences += found[: max(0, LISTED - len(self.differences))]

    def add(self, part: Replayed) -> None:
        """Take what another part gave."""
        self.positions.update(part.positions)
        self.subjects += part.subjects
        self.events += part.events
        self.quarantined += part.quarantined
        self.differing += part.differing - len(part.differences)
        self.differ(part.differences)


class Part(msgspec.Struct):
    """One partition's part: what was found, and the subjects that the log knows."""

    replayed: Replayed
    names: list[str]
    folded: FoldedSubject | None = None
    """The one subject that was asked for."""


async def replay_partition(
    settings: Settings,
    connection: Connection,
    wanted: Wanted,
    position: Position,
    passed: Callable[[int], None] = lambda _count: None,
) -> Part:
    """Replay one partition up to a position; `connection` sees the tables at that moment.

    Raises:
        LedgerMismatch: Kafka holds less than the read models say they have seen, or something
            else than was sealed; or they are not as far as is asked for.
        Unreachable: no broker answers.
    """
    end = wanted.end(settings, position)
    async with DirectoryFollower(settings) as follower:
        directories = follower.log
    log = await read_partition(
        *(settings, directories, position.partition, position.next_offset),
        only=wanted.subject,
        sealed=wanted.head(settings.events_topic, position.partition),
        passed=passed,
    )
    part = Part(Replayed({position.partition: end}), sorted(log.subjects))
    for names in _chunks(part.names):
        some = {one: log.subjects[one] for one in names}
        await _compare(connection, wanted, some, part, directories)
    if wanted.subject is None:
        part.replayed.quarantined = sum(one.record.offset < end for one in log.rejected)
        place = f"partition {position.partition}"
        part.replayed.differ(list(_positions_differ(place, log, position)))
        found = await tables.quarantined(connection, position.partition)
        part.replayed.differ(list(differences(_rejected_facts(place, log), _facts(place, found))))
    return part


async def _compare(
    connection: Connection,
    wanted: Wanted,
    records: dict[str, list[Recorded]],
    part: Part,
    directories: DirectoryLog,
) -> None:
    """Fold some subjects, and compare what that gives with the tables."""
    [end] = part.replayed.positions.values()
    facts: Facts = {}
    moved = []
    for subject, all_of_it in records.items():
        known = wanted.known(all_of_it, end)
        if len(known) < len(all_of_it):
            moved.append(subject)
        if known:
            folded = fold_subject(known, directories.at)
            facts.update(facts_of(subject, folded))
            part.replayed.subjects += 1
            part.replayed.events += len(known)
            part.folded = folded if wanted.subject is not None else None
    found = await tables.subject_facts(connection, sorted(records.keys() - set(moved)))
    found |= await tables.facts_at(connection, moved, directories.at, end, wanted.as_of)
    part.replayed.differ(list(differences(facts, found)))


def _positions_differ(place: str, log: PartitionLog, position: Position) -> Iterator[Difference]:
    at_log = {
        "leaf_hash": log.last.leaf() if log.last else None,
        "recorded_at": log.recorded_at,
        "directory_offset": log.directory_offset,
    }
    at_table = {name: getattr(position, name) for name in at_log}
    return differences(
        {(place, "position"): {name: plain(value) for name, value in at_log.items()}},
        {(place, "position"): {name: plain(value) for name, value in at_table.items()}},
    )


def _rejected_facts(place: str, log: PartitionLog) -> Facts:
    rows = [(r.offset, at, reason, r.leaf()) for r, at, reason in log.rejected]
    return _facts(place, rows)


def _facts(place: str, rows: Sequence[Sequence[object]]) -> Facts:
    return {
        (place, f"quarantine {offset}"): {
            "recorded_at": plain(recorded_at),
            "reason": reason,
            "leaf_hash": plain(leaf_hash),
        }
        for offset, recorded_at, reason, leaf_hash in rows
    }


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + SUBJECTS_AT_ONCE] for at in range(0, len(names), SUBJECTS_AT_ONCE))
