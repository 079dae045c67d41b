"""Stories of coordination meetings: series that are kept, late or missed; decisions, minutes.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from producers.world.ground import Ground
from producers.world.story import Act, Owed, Story
from runut.event import Event

TEN: Final = time(10)
LENGTH: Final = timedelta(hours=2)
MISSED: Final = 0.1
CANCELLED: Final = 0.06
LATE: Final = 0.15
MOST_LATE_DAYS: Final = 12


class Series(msgspec.Struct, frozen=True):
    """A meeting that recurs."""

    name: str
    title: str
    every_days: int
    chair: str
    members: tuple[str, ...]
    mode: str


class Planned(msgspec.Struct, frozen=True):
    """One meeting of a series."""

    subject: str
    series: Series
    starts_at: datetime
    is_cancelled: bool


class Diary:
    """All meetings of a world, and when they are held."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.planned = [one for series in _series_of(ground) for one in self._plan(series)]

    def last_held(self, after: datetime, before: datetime) -> str | None:
        """The meeting held last between two moments."""
        held = [
            (one.starts_at, one.subject)
            for one in self.planned
            if not one.is_cancelled and after < one.starts_at < before - LENGTH
        ]
        return max(held)[1] if held else None

    def _plan(self, series: Series) -> Iterator[Planned]:
        ground, rng = self._ground, self._ground.rng("series", series.name)
        zone = ZoneInfo(ground.agencies[series.chair].timezone)
        day, n = ground.start.astimezone(zone).date() + timedelta(days=rng.randint(18, 40)), 1
        while day < ground.options.until:
            if rng.random() >= MISSED:
                late = rng.randint(1, MOST_LATE_DAYS) if rng.random() < LATE else 0
                held = _working_day(ground, day + timedelta(days=late))
                starts_at = datetime.combine(held, TEN, zone)
                subject = f"meeting/{series.name.upper()}-{day:%Y-%m}-{n:03}"
                yield Planned(subject, series, starts_at, rng.random() < CANCELLED)
            day, n = day + timedelta(days=series.every_days), n + 1


def _working_day(ground: Ground, day: date) -> date:
    return ground.calendar.nth_working_day_after(day - timedelta(days=1), 1)


def _series_of(ground: Ground) -> Iterator[Series]:
    """Those that the protocol wants, and one for each province."""
    known = ground.agencies
    for wanted in ground.protocol.meeting_series:
        members = tuple(code for code in wanted.members if code in known)
        chair = wanted.chair or (members[0] if members else "")
        if chair in known:
            yield Series(wanted.series, wanted.title, wanted.every_days, chair, members, "HYBRID")
    for chair in (code for code in ground.of_kind("AGENCY") if code.startswith("bp3mi-")):
        region = known[chair].region
        there = [code for code, one in known.items() if one.region == region and code != chair]
        name = f"rakor-{chair.removeprefix('bp3mi-')}"
        title = f"Rapat koordinasi pelindungan, {known[chair].name_id}"
        yield Series(name, title, 60, chair, tuple(sorted({chair, *there, "polri"})), "IN_PERSON")


class Meeting(Story):
    """One meeting from its invitation to what was decided there."""

    def __init__(
        self, ground: Ground, planned: Planned, cite: Callable[[datetime, Random], str]
    ) -> None:
        rng = ground.rng("invitation", planned.subject)
        chair = planned.series.chair
        invited = ground.later(
            chair, planned.starts_at - timedelta(days=rng.randint(10, 16)), 1, rng
        )
        super().__init__(ground, planned.subject, min(invited, planned.starts_at - LENGTH))
        self._planned = planned
        self._cite = cite
        self._chair = chair

    def told(self) -> Iterator[Event]:
        """All of it."""
        series, planned = self._planned.series, self._planned
        about = {"title": series.title, "series": series.name, "starts_at": planned.starts_at}
        agenda = [self.word("meetings", "agendas") for _ in range(2)]
        who = {"mode": series.mode, "chair": self._chair, "invitees": list(series.members)}
        cases = sorted({self._cite(self.now, self.rng) for _ in range(3)})
        invited = {**about, **who, "agenda": list(dict.fromkeys(agenda)), "cases": cases}
        yield from self.play([Act(self.now, self._chair, "MeetingScheduled", invited)])
        if planned.is_cancelled:
            why = {"reason": self.word("meetings", "cancelled")}
            at = self.ground.before(self._chair, self.now, planned.starts_at, self.rng)
            yield from self.play([Act(at, self._chair, "MeetingCancelled", why)])
            return
        yield from self._held()

    def _held(self) -> Iterator[Event]:
        started, members = self._planned.starts_at, self._planned.series.members
        ended = started + LENGTH
        came = [{"agency": code, "status": self._came(code)} for code in members]
        there = [one["agency"] for one in came if one["status"] in {"PRESENT", "DELEGATED"}]
        held = {"started_at": started, "ended_at": ended, "attendance": came}
        yield from self.play([Act(ended, self._chair, "MeetingHeld", held)])
        decisions = [self._decided(there) for _ in range(self.rng.randint(1, 3))]
        yield from self.play(*decisions, self._minutes(there, ended))

    def _came(self, agency: str) -> str:
        if agency == self._chair:
            return "PRESENT"
        away = self.ground.tardiness(agency)
        return self.rng.choices(
            ("PRESENT", "DELEGATED", "EXCUSED", "ABSENT"), (0.6, 0.25, 0.08, 0.05 + away)
        )[0]

    def _decided(self, there: list[str]) -> Iterator[Act]:
        rng, ident = self.rng, self.ident("D")
        at = self.now + timedelta(minutes=rng.randint(5, 50))
        wants_more = len(there) > 1 and rng.random() < 0.8
        about = {"decision_id": ident, "meeting": self.subject, "adopters": there}
        follow_up = "COMMITMENTS" if wants_more else "NO_ACTION"
        text = {"text": self.word("meetings", "decisions"), "follow_up": follow_up}
        yield Act(at, self._chair, "DecisionRecorded", {**about, **text})
        if wants_more:
            debtor = rng.choice([code for code in there if code != self._chair])
            yield from self._followed_up(ident, debtor, at + timedelta(minutes=5))

    def _followed_up(self, decision: str, debtor: str, at: datetime) -> Iterator[Act]:
        named, zone = self.ident("C"), self.ground.protocol.timezone
        days = self.rng.randint(8, 25)
        due = self.ground.calendar.end_of_nth_working_day(at, days, zone)
        parties = {"commitment_id": named, "debtor": debtor, "creditor": self._chair}
        source: dict[str, Any] = {"source_kind": "DECISION", "source_ref": decision}
        what = {"what": self.word("promises", "whats"), "due_at": due}
        yield Act(at, self._chair, "CommitmentMade", {**parties, **source, **what})
        owed = Owed(named, debtor, due)
        acts, _ = self.promise(named, self._chair, owed, at, needs_answer=False)
        yield from acts

    def _minutes(self, there: list[str], ended: datetime) -> Iterator[Act]:
        source = self.subject.partition("/")[2]
        owed = self.owed("MINUTES", source, self._chair, ended)
        adopted = self.answered_at(owed, ended)
        yield from self.missed(owed, adopted)
        minutes = {"minutes": self.attachment("notula"), "adopters": there}
        yield Act(adopted, self._chair, "MinutesAdopted", minutes)
