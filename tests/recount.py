"""Figures of the pages counted again, in plain Python over the events of a ledger.

The rules are those of `tests.naive`; counts, sums, medians and shares are worked out here, from
what projections/measures.toml and docs/howto/measure-coordination.md say that each counts. Nothing
of the read models is used.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from runut.event import Recorded
from tests.naive.directory import protocol_at
from tests.naive.fold import fold
from tests.two_folds import plain

ZONE: Final = ZoneInfo("Asia/Jakarta")
OPEN: Final = ("REPORTED", "IN_HANDLING", "RESOLVED")
OWED: Final = ("OPEN", "REPORTED")
LETTERS: Final = ("LETTER_REPLY", "TRANSFER_ANSWER", "ASSISTANCE_ANSWER", "ASSISTANCE_DELIVERY")
CAME: Final = ("PRESENT", "DELEGATED")
SYSTEM: Final = "runut"

Json = dict[str, Any]


class Tie(NamedTuple):
    """One agency turned to another."""

    source: str
    target: str
    kind: str
    at: datetime
    awaits: bool
    answered_at: datetime | None

    @property
    def hours(self) -> float | None:
        """Until the answer, where one came and came later."""
        if self.answered_at is None or self.answered_at < self.at:
            return None
        return (self.answered_at - self.at).total_seconds() / 3600


class Occasions(NamedTuple):
    """How regularly a series was held."""

    outcomes: Counter[str]
    missed_on: list[date]
    attendance: dict[str, tuple[int, int]]
    """Of each member to how many it came, of how many."""


class Recount:
    """A ledger at a moment, as its events tell it."""

    def __init__(self, records: Sequence[Recorded], view: Json, moment: datetime) -> None:
        self.moment = moment
        self.records = [one for one in records if one.recorded_at <= moment]
        self.states: dict[str, Json] = {}
        self.verdicts: Counter[str] = Counter()
        self._view = view
        by_subject = defaultdict(list)
        for one in self.records:
            by_subject[one.event.subject].append(plain(one))
        for subject, events in by_subject.items():
            views = {event["directory"]: view for event in events}
            state, entries = fold(events, views)
            self.verdicts.update(entry["verdict"] for entry in entries)
            if state is not None:
                self.states[subject] = state

    def of(self, kind: str) -> dict[str, Json]:
        """Subjects of a kind that have a state."""
        return {one: state for one, state in self.states.items() if one.startswith(f"{kind}/")}

    def effective(self, *types: str) -> Iterator[Json]:
        """Events that count, on whatever subject."""
        for state in self.states.values():
            yield from (event for event, _ in state["effective"] if event["type"] in types)

    @property
    def open_cases(self) -> dict[str, Json]:
        """Cases that are neither closed, rejected nor merged."""
        return {one: state for one, state in self.of("case").items() if state["status"] in OPEN}

    @property
    def commitments(self) -> list[Json]:
        """All, on whatever subject."""
        return [c for state in self.states.values() for c in state["commitments"].values()]

    @property
    def owed(self) -> list[Json]:
        """What is still to be done."""
        return [one for one in self.commitments if one["status"] in OWED]

    @property
    def overdue(self) -> list[Json]:
        """What is owed and past its limit."""
        return [one for one in self.owed if one["due_at"] and one["due_at"] < self.moment]

    def due_today(self) -> int:
        """What is owed and due on this day."""
        today = self.moment.astimezone(ZONE).date()
        return sum(
            one["due_at"] is not None and one["due_at"].astimezone(ZONE).date() == today
            for one in self.owed
        )

    def still(self, days: int) -> int:
        """Open cases on which no agency did anything that counts for so long."""
        limit = self.moment - timedelta(days=days)
        return sum(self.moved_at(state) <= limit for state in self.open_cases.values())

    @staticmethod
    def moved_at(state: Json) -> datetime:
        """When an agency last did something that counts."""
        moved = [
            event["occurred_at"] for event, _ in state["effective"] if event["agency"] != SYSTEM
        ]
        return max(moved)

    def bounced(self, days: int) -> int:
        """Offers that were refused or lapsed of late."""
        since = self.moment - timedelta(days=days)
        ended = self.effective("TransferRefused", "TransferLapsed")
        return sum(event["occurred_at"] >= since for event in ended)

    def ties(self) -> list[Tie]:
        """Every tie of two agencies."""
        found = (
            *(self._letters(), self._transfers(), self._assistance(), self._contacts()),
            *(self._data(), self._promises(), self._meetings(), self._agreements()),
        )
        return [tie for some in found for tie in some if tie.source != tie.target]

    def _letters(self) -> Iterator[Tie]:
        for event in self.effective("LetterSent"):
            data, owed = event["data"], self.states[event["subject"]]["commitments"]
            for to in set(data["to"]):
                reply = owed.get(f"LETTER_REPLY:{data['letter_id']}:{to}", {})
                yield Tie(
                    *(event["agency"], to, "LETTER", event["occurred_at"]),
                    *(data["reply_expected"], reply.get("fulfilled_at")),
                )

    def _transfers(self) -> Iterator[Tie]:
        answered = self._first_by("transfer_id", "TransferAccepted", "TransferRefused")
        for event in self.effective("TransferOffered"):
            place = event["subject"], event["data"]["transfer_id"]
            yield Tie(
                *(event["agency"], event["data"]["to"], "TRANSFER", event["occurred_at"], True),
                answered.get(place),
            )

    def _assistance(self) -> Iterator[Tie]:
        answered = self._first_by("assistance_id", "AssistanceAnswered")
        for event in self.effective("AssistanceRequested"):
            place = event["subject"], event["data"]["assistance_id"]
            provider = event["data"]["provider"]
            yield Tie(
                *(event["agency"], provider, "ASSISTANCE", event["occurred_at"], True),
                answered.get(place),
            )

    def _first_by(self, ident: str, *types: str) -> dict[tuple[str, str], datetime]:
        return {
            (event["subject"], event["data"][ident]): event["occurred_at"]
            for event in self.effective(*types)
        }

    def _contacts(self) -> Iterator[Tie]:
        said: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
        for event in self.effective("ContactAcknowledged"):
            data = event["data"]
            said[event["subject"], data["contact_id"]][event["agency"]] = data["agrees"]
        for event in self.effective("ContactLogged"):
            data = event["data"]
            words = said[event["subject"], data["contact_id"]]
            for partner in data["with"]:
                if words.get(partner, True):
                    pair = (event["agency"], partner)
                    source, target = pair[::-1] if data["direction"] == "INCOMING" else pair
                    yield Tie(source, target, "CONTACT", event["occurred_at"], False, None)

    def _data(self) -> Iterator[Tie]:
        for event in self.effective("DataShared"):
            for to in set(event["data"]["to"]):
                yield Tie(event["agency"], to, "DATA", event["occurred_at"], False, None)

    def _promises(self) -> Iterator[Tie]:
        made = self.made()
        for one in self.commitments:
            if one["kind"] == "PROMISE" and one["status"] not in ("PROPOSED", "DECLINED"):
                at = made[one["subject"], one["commitment_id"]]["occurred_at"]
                pair = (one["debtor"], one["creditor"])
                yield Tie(*pair, "PROMISE", at, False, one["fulfilled_at"])

    def _meetings(self) -> Iterator[Tie]:
        for state in self.of("meeting").values():
            came = {one["agency"] for one in state["attendance"] if one["status"] in CAME}
            for one in came:
                for other in came:
                    yield Tie(one, other, "MEETING", state["started_at"], False, None)

    def _agreements(self) -> Iterator[Tie]:
        for state in self.of("agreement").values():
            if state["last_signature"] is not None:
                at = datetime.combine(state["last_signature"], time(), state["zone"])
                for one in state["signed"]:
                    for other in state["signed"]:
                        yield Tie(one, other, "AGREEMENT", at, False, None)

    def made(self) -> dict[tuple[str, str], Json]:
        """Of commitments made by hand the event that made them."""
        return {
            (event["subject"], event["data"]["commitment_id"]): event
            for event in self.effective("CommitmentMade")
        }

    def outcome(self, one: Json) -> str:
        """What became of a commitment."""
        status, due_at, now = one["status"], one["due_at"], self.moment
        if status == "FULFILLED":
            return "LATE" if due_at is not None and one["fulfilled_at"] > due_at else "KEPT"
        if status == "LAPSED":
            return "BROKEN"
        if status in ("PROPOSED", "DECLINED", "CANCELLED"):
            return "VOID"
        in_time = status == "REPORTED" and one["reported_at"] <= (due_at or now)
        return "BROKEN" if due_at is not None and due_at < now and not in_time else "PENDING"

    def instrument(self, one: Json) -> str | None:
        """By what means it came about."""
        if one["kind"] in LETTERS:
            return "LETTER"
        fixed = {"MINUTES": "MEETING", "CLAUSE": "AGREEMENT", "FINE_PAYMENT": "AGREEMENT"}
        if one["kind"] != "PROMISE":
            return fixed.get(one["kind"])
        source = self.made()[one["subject"], one["commitment_id"]]["data"]["source_kind"]
        meant = {"DECISION": "MEETING", "OWN": None}
        return meant.get(source, source)

    def kept(self) -> Counter[tuple[str, str | None, str]]:
        """How many commitments by debtor, instrument and outcome; those with a limit that ended."""
        made = self.made()
        self.made = lambda: made  # type: ignore[method-assign] # once is enough
        return Counter(
            (one["debtor"], self.instrument(one), self.outcome(one))
            for one in self.commitments
            if one["due_at"] is not None and self.outcome(one) in ("KEPT", "LATE", "BROKEN")
        )

    def series(self) -> dict[str, Occasions]:
        """Recurring meetings, by the protocol in force."""
        held: dict[str, list[Json]] = defaultdict(list)
        for state in self.of("meeting").values():
            if state["series"] and state["status"] in ("HELD", "MINUTES_ADOPTED"):
                held[state["series"]].append(state)
        protocol = protocol_at(self._view, self.moment)
        known_on = protocol["effective_from"].astimezone(ZONE).date()
        wanted = {one["series"]: one for one in protocol["meeting_series"]}
        found = {
            name: _occasions(one, held.pop(name, []), self.moment, known_on)
            for name, one in wanted.items()
        }
        return found | {
            name: Occasions(Counter(EXTRA=len(some)), [], {}) for name, some in held.items()
        }


def _occasions(wanted: Json, held: list[Json], now: datetime, known_on: date) -> Occasions:
    every, tolerance = timedelta(wanted["every_days"]), timedelta(wanted.get("tolerance_days", 0))
    meetings = sorted(held, key=lambda one: one["started_at"])
    days = [one["started_at"].astimezone(ZONE).date() for one in meetings]
    due, today = min(days, default=known_on + every), now.astimezone(ZONE).date()
    outcomes, missed, used = Counter[str](), [], -1
    while True:
        near = [n for n, day in enumerate(days) if n > used and due - every < day < due + every]
        if near:
            used = near[0]
            outcomes["KEPT" if days[used] <= due + tolerance else "LATE"] += 1
        elif today >= due + every:
            outcomes["MISSED"] += 1
            missed.append(due)
        if due > today:
            break
        due += every
    outcomes["EXTRA"] = len(days) - outcomes["KEPT"] - outcomes["LATE"]
    came = [{a["agency"] for a in one["attendance"] if a["status"] in CAME} for one in meetings]
    members = {one: (sum(one in some for some in came), len(came)) for one in wanted["members"]}
    return Occasions(outcomes, missed, members)


def grouped(items: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """By what they have in common."""
    found = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return dict(found)


def percentile(values: Sequence[float], share: float) -> float:
    """As percentile_cont of SQL has it: between two values in proportion."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def middle(ties: Iterable[Tie]) -> float | None:
    """Median hours until the answer."""
    hours = [tie.hours for tie in ties if tie.hours is not None]
    return median(hours) if hours else None
