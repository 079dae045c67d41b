"""Hold the times of records between seals that witnesses have cosigned (integrity.md §6).

Pure. A record that a seal lacks came after it was made, one that it has came before a witness saw
it: whatever clock the brokers have, its time lies between. A seal's own time counts as far as the
witnesses saw it soon enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from audit.bundle import Witnessed
from audit.documents import moment_of
from audit.policy import Policy
from runut.directory import Ledger
from runut.errors import BadInput
from runut.event import Recorded
from runut.notes import Note, parse_note, verified
from runut.proofs import SealProof
from runut.records import RawRecord
from runut.rfc3339 import format_time
from runut.seals import Seal

TOLERANCE: Final = timedelta(minutes=5)
"""How far clocks of brokers, sealer and witnesses may be apart."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_S: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())
"""Before the last year that there is, so that a tolerance can be added."""


class SeenSeal(msgspec.Struct, frozen=True):
    """A seal that enough trusted witnesses cosigned."""

    seal: Seal
    seen_at: datetime
    """When the last of them that the quorum needs had seen it, by their clocks."""

    @property
    def made_at(self) -> datetime:
        """When it was made, as it says itself; never later than it was seen."""
        return min(moment_of(self.seal.sealed_at_ms), self.seen_at)


def seals_of(witnessed: Sequence[Witnessed], last: SealProof, policy: Policy) -> list[SeenSeal]:
    """The seals that count as witnessed, in order, the bundle's own at the end if it is one.

    Raises:
        BadInput: one does not follow from its checkpoint, or that is no part of the last one.
    """
    found = []
    final = last.checkpoint()
    for one in witnessed:
        seal, checkpoint = one.seal.seal(), one.seal.checkpoint()
        one.growth.demand()
        grown = (one.growth.old_size, one.growth.old_root, one.growth.new_size, one.growth.new_root)
        if grown != (checkpoint.size, checkpoint.root, final.size, final.root):
            raise BadInput(
                f"growth from seal {seal.index}", "to the bundle's checkpoint", "another"
            )
        found.append((seal, one.seal))
    found.append((last.seal(), last))
    seen = [
        SeenSeal(seal, at)
        for seal, proof in found
        if (at := seen_at(parse_note(proof.note.encode()), policy))
    ]
    return sorted(seen, key=lambda one: one.seal.index)


class Timed(NamedTuple):
    """A record of some partition, and when it was recorded."""

    offset: int
    recorded_at: datetime


def demand_times(
    records: Sequence[Timed | Recorded], seals: Sequence[SeenSeal], place: tuple[str, int]
) -> list[timedelta]:
    """That each record's time lies between the last seal without it and the first with it.

    Gives how far those seals are apart, of each record that lies between two. Which seals there
    are is the bundle's choice: of those that it leaves out nothing is said.

    Raises:
        BadInput: one is more than five minutes outside.
    """
    sizes = [one.seal.head(*place).size for one in seals]
    apart: list[timedelta] = []
    for record in records:
        without = [one for one, size in zip(seals, sizes, strict=True) if size <= record.offset]
        having = [one for one, size in zip(seals, sizes, strict=True) if size > record.offset]
        after = without[-1].made_at if without else None
        before = having[0].seen_at if having else None
        _demand_between(f"{place[0]}/{place[1]}:{record.offset}", record.recorded_at, after, before)
        if after is not None and before is not None:
            apart.append(before - after)
    return apart


def directory_times(records: Sequence[RawRecord], ledger: Ledger) -> list[Timed]:
    """When the directory's records were recorded, by its clock, which never runs backwards.

    Those of another timestamp type have no time; in a TEST ledger none has.

    Raises:
        BadInput: one lies beyond all years.
    """
    found: list[Timed] = []
    if ledger.clock == "TEST":
        return found
    now_ms = 0
    for record in records:
        if record.timestamp_type == ledger.timestamp_type:
            now_ms = max(now_ms, record.timestamp_ms)
            found.append(Timed(record.offset, moment_of(now_ms)))
    return found


def _demand_between(
    what: str, at: datetime, after: datetime | None, before: datetime | None
) -> None:
    if after is not None and at < after - TOLERANCE:
        expected = f"not before the seal without it, {format_time(after)}"
        raise BadInput(f"time of record {what}", expected, format_time(at))
    if before is not None and at > before + TOLERANCE:
        expected = f"not after the seal with it, {format_time(before)}"
        raise BadInput(f"time of record {what}", expected, format_time(at))


def seen_at(note: Note, policy: Policy) -> datetime | None:
    """When as many trusted witnesses as the policy asks for had seen a seal; None if never.

    Raises:
        BadInput: a signature of one of them does not verify.
    """
    first = cosigners(note, policy)
    needed = max(1, policy.quorum)
    if len(first) < needed:
        return None
    return _EPOCH + timedelta(seconds=sorted(first.values())[needed - 1])


def cosigners(note: Note, policy: Policy) -> dict[str, int]:
    """The trusted witnesses that saw a seal, and when first (s since 1970).

    A time beyond all years is no time: such a cosignature does not count.

    Raises:
        BadInput: a signature of one of them does not verify.
    """
    first: dict[str, int] = {}
    for one in verified(note, policy.witnesses):
        if one.time_s is not None and one.time_s < _LAST_S:
            first[one.key.name] = min(one.time_s, first.get(one.key.name, one.time_s))
    return first
