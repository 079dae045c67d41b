"""The sample world: the same for the same number, as things go, judged as it is meant."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from producers.world import Options, agencies_of, events
from producers.world.ground import AGENCIES, Ground
from projections.folds.rows import Commitment
from projections.folds.subject import FoldedSubject, fold_subject
from runut.catalogue import catalogue
from runut.errors import BadInput
from runut.event import LEDGER_KINDS, SYSTEM, Event, subject_kind
from runut.personal_data import findings
from tests.builders import directory_log, recorded

OPTIONS = Options(until=date(2026, 6, 30), cases=400)
SMALL = structs.replace(OPTIONS, cases=12, agencies=20, years=1)
JAKARTA = ZoneInfo("Asia/Jakarta")
MEANT = {
    ("BASIS_REQUIRED",),
    ("NOT_CUSTODIAN",),
    ("NO_SUCH_REFERENCE",),
    ("ROLE_REQUIRED",),
}
"""What agencies get wrong on purpose; two mistakes at once come of these."""


@pytest.fixture(scope="module")
def world() -> list[Event]:
    return list(events(OPTIONS, directory_log(AGENCIES).latest))


@pytest.fixture(scope="module")
def folded(world: list[Event]) -> dict[str, FoldedSubject]:
    log = directory_log(AGENCIES)
    by_subject = defaultdict(list)
    for offset, event in enumerate(world, 1):
        known = structs.replace(recorded(event, offset), directory_offset=log.size - 1)
        by_subject[event.subject].append(known)
    return {subject: fold_subject(records, log.at) for subject, records in by_subject.items()}


def told(options: Options) -> list[Event]:
    return list(events(options, directory_log(AGENCIES).latest))


def verdicts(folded: dict[str, FoldedSubject]) -> Counter[str]:
    return Counter(entry.folded.verdict for one in folded.values() for entry in one.entries)


def statuses(folded: dict[str, FoldedSubject], kind: str) -> Counter[Any]:
    states = [one.state for subject, one in folded.items() if subject_kind(subject) == kind]
    return Counter(state.status for state in states if state is not None)


def test_the_same_number_tells_the_same_world_and_another_another() -> None:
    first, again, other = (told(structs.replace(SMALL, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert not {event.event_id for event in first} & {event.event_id for event in other}


def test_everything_happens_in_order_and_before_the_end(world: list[Event]) -> None:
    moments = [event.occurred_at for event in world]
    ground = Ground(OPTIONS, directory_log(AGENCIES).latest)
    assert moments == sorted(moments)
    assert ground.start <= moments[0]
    assert max(event.occurred_at for event in world if event.agency != SYSTEM) < ground.until
    assert moments[-1] < ground.until + timedelta(minutes=1)


def test_every_type_of_event_on_a_subject_is_told(world: list[Event]) -> None:
    told_of = {event.type for event in world}
    assert {one.name for one in catalogue() if one.kinds <= LEDGER_KINDS} == told_of


def test_almost_everything_counts_and_a_little_is_wrong(folded: dict[str, FoldedSubject]) -> None:
    found = verdicts(folded)
    share = {verdict: count / found.total() for verdict, count in found.items()}
    assert share["EFFECTIVE"] > 0.95
    assert 0.005 < share["IRREGULAR"] < 0.03
    assert 0.001 < share["DUPLICATE"] < 0.02
    assert found["CORRECTED"] > 0


def test_only_what_is_meant_is_irregular(folded: dict[str, FoldedSubject]) -> None:
    """Where another closes a case, more may stand in the way than that it is not its own."""
    wrong = {
        entry.folded.codes
        for one in folded.values()
        for entry in one.entries
        if entry.folded.verdict == "IRREGULAR" and entry.recorded.event.type != "CaseClosed"
    }
    assert wrong == MEANT


def test_what_the_ledger_says_of_limits_is_what_it_would_have_said(
    folded: dict[str, FoldedSubject],
) -> None:
    said = [
        entry
        for one in folded.values()
        for entry in one.entries
        if entry.recorded.event.agency == SYSTEM
    ]
    assert {entry.folded.verdict for entry in said} == {"EFFECTIVE"}
    assert len(said) > 100


def test_every_limit_that_was_missed_is_told(folded: dict[str, FoldedSubject]) -> None:
    """A file of past events brings its own breaches: of those nobody else would tell."""
    until = Ground(OPTIONS, directory_log(AGENCIES).latest).until
    silent = [
        row
        for one in folded.values()
        for row in one.past.rows.values()
        if isinstance(row, Commitment)
        and row.status in {"OPEN", "REPORTED"}
        and row.due_at is not None
        and row.made_at < row.due_at < until
        and row.breached_due_at != row.due_at
    ]
    assert silent == []


def test_cases_end_wait_and_are_lost_sight_of(folded: dict[str, FoldedSubject]) -> None:
    found = statuses(folded, "case")
    assert found.keys() >= {"REPORTED", "IN_HANDLING", "CLOSED", "REJECTED", "MERGED"}
    open_cases = found["REPORTED"] + found["IN_HANDLING"] + found["RESOLVED"]
    assert 0.05 < open_cases / found.total() < 0.4


def test_meetings_and_agreements_come_to_every_end(folded: dict[str, FoldedSubject]) -> None:
    assert statuses(folded, "meeting").keys() >= {"MINUTES_ADOPTED", "CANCELLED"}
    assert statuses(folded, "agreement").keys() >= {"ACTIVE", "ENDED"}


def test_agencies_mostly_work_when_offices_are_open(world: list[Event]) -> None:
    calendar = directory_log(AGENCIES).latest.calendar
    by_agencies = [event for event in world if event.agency != SYSTEM]
    on_working_days = [
        event
        for event in by_agencies
        if calendar.is_working_day(event.occurred_at.astimezone(JAKARTA).date())
    ]
    assert len(on_working_days) > 0.98 * len(by_agencies)


def test_nothing_in_it_looks_like_personal_data(world: list[Event]) -> None:
    assert [finding for event in world for finding in findings(event)] == []


def test_a_world_has_as_many_agencies_as_asked_for_and_the_ledgers_own() -> None:
    for count in (20, 27, 40):
        chosen = agencies_of(structs.replace(OPTIONS, agencies=count))
        codes = {agency.code for agency in chosen}
        assert len(codes) == count + 1
        assert {agency.escalates_to for agency in chosen} - {None} <= codes


def test_a_world_needs_agencies_that_there_are() -> None:
    with pytest.raises(BadInput, match="agencies: expected from 20 to 40, found 41"):
        agencies_of(structs.replace(OPTIONS, agencies=41))


def test_a_world_needs_calendars() -> None:
    early = structs.replace(OPTIONS, until=date(2015, 1, 1))
    with pytest.raises(BadInput, match="years: expected years with a calendar"):
        told(early)
