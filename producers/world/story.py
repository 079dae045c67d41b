"""How a story is told: what agencies do at which moment, and what becomes of what they owe.

An `Act` is what an agency does; a plan is acts of one exchange, such as a letter with its answers.
Plans of one phase go on at once: `Story.play` puts their acts in the order of time. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from operator import attrgetter
from typing import Any, Final, NamedTuple

from producers.world.ground import Ground, words
from runut.event import SYSTEM, Event
from runut.json_form import from_json
from runut.protocol import CommitmentKind

AFTER: Final = timedelta(seconds=1)
"""A limit is kept until its very end: what the ledger says of it is said this much later."""
SENT_TWICE: Final = 0.006
"""How often a system sends an event again."""
ARBITER: Final = "kp2mi"

CHANNELS: Final = {
    "LetterSent": "LETTER",
    "LetterAnswered": "LETTER",
    "ContactLogged": "CALL",
    "DecisionRecorded": "MEETING",
}


class Act(NamedTuple):
    """What an agency does."""

    at: datetime
    agency: str
    type: str
    data: dict[str, Any]


class Owed(NamedTuple):
    """What somebody is waited for."""

    commitment_id: str
    debtor: str
    due: datetime


class Story:
    """One subject from its beginning on, as far as the world goes."""

    def __init__(self, ground: Ground, subject: str, began: datetime) -> None:
        self.ground = ground
        self.subject = subject
        self.rng = ground.rng(subject)
        self.now = began
        self.security = "ORDINARY"
        self._events = count(1)
        self._ids = count(1)

    def event(self, act: Act) -> Event:
        """An act as the event that an agency emits."""
        n = next(self._events)
        return from_json(
            {
                "type": act.type,
                "subject": self.subject,
                "agency": act.agency,
                "event_id": self.ground.event_id(self.subject, n),
                "occurred_at": act.at,
                "channel": CHANNELS.get(act.type, "SYSTEM"),
                "security": self.security,
                "officer_role": None if act.agency == SYSTEM else "Analis Pelindungan",
                "data": act.data,
            }
        )

    def play(self, *plans: Iterable[Act]) -> Iterator[Event]:
        """Everything of some plans, in order of time; then it is the moment of the last act."""
        for act in sorted((act for plan in plans for act in plan), key=attrgetter("at")):
            self.now = max(self.now, act.at)
            event = self.event(act)
            yield event
            if act.agency != SYSTEM and self.rng.random() < SENT_TWICE:
                yield event

    def act(self, agency: str, event_type: str, days: int = 0, **data: Any) -> Act:
        """Something that an agency does so many working days from now."""
        return Act(self.later(agency, days), agency, event_type, data)

    def later(self, agency: str, days: int = 0) -> datetime:
        """So many working days from now, in an agency's office hours."""
        return self.ground.later(agency, self.now, days, self.rng)

    def after(self, moment: datetime, agency: str, days: int = 0) -> datetime:
        """So many working days from a moment, in an agency's office hours."""
        return self.ground.later(agency, moment, days, self.rng)

    def answered_at(self, owed: Owed, since: datetime) -> datetime:
        """When somebody does what it owes: in time, or late as is its way."""
        if self.rng.random() < self.ground.tardiness(owed.debtor):
            return self.after(owed.due, owed.debtor, self.rng.randint(1, 12))
        return self.ground.before(owed.debtor, since, owed.due, self.rng)

    def missed(self, owed: Owed, answered_at: datetime | None) -> Iterator[Act]:
        """What the ledger says of a limit until the answer comes; None: it never does."""
        for act in self._ladder(owed):
            if answered_at is None or act.at < answered_at:
                yield act

    def _ladder(self, owed: Owed) -> Iterator[Act]:
        named = {"commitment_id": owed.commitment_id}
        at = owed.due + AFTER
        yield Act(at, SYSTEM, "CommitmentBreached", {**named, "due_at": owed.due})
        superior = self.ground.agencies[owed.debtor].escalates_to
        if superior:
            at += AFTER
            yield Act(at, SYSTEM, "EscalationRaised", {**named, "to": superior, "level": 1})
        if owed.debtor != ARBITER:
            days = self.ground.protocol.escalation.days_between_levels
            zone = self.ground.protocol.timezone
            at = self.ground.calendar.end_of_nth_working_day(at, days, zone) + AFTER
            yield Act(at, SYSTEM, "EscalationRaised", {**named, "to": ARBITER, "level": 2})

    def owed(
        self,
        kind: CommitmentKind,
        source: str,
        debtor: str,
        at: datetime,
        variant: str | None = None,
    ) -> Owed:
        """What an event at a moment makes somebody owe by the protocol (events.md §5)."""
        due = self.ground.due(kind, at, variant)
        return Owed(f"{kind}:{source}:{debtor}", debtor, due)

    def promise(
        self, named: str, creditor: str, owed: Owed, since: datetime, *, needs_answer: bool
    ) -> tuple[list[Act], bool]:
        """From a commitment made by hand to its fulfilment; whether it comes to its end."""
        rng, ident = self.rng, {"commitment_id": named}
        acts: list[Act] = []
        if needs_answer:
            since = self.after(since, owed.debtor, 1)
            acts.append(Act(since, owed.debtor, "CommitmentAnswered", {**ident, "accepts": True}))
        if rng.random() < 0.1:
            acts += self.missed(owed, None)
            return acts, False
        reported = self.answered_at(owed, since)
        if since < reported <= owed.due and rng.random() < 0.12:
            granted = self.ground.before(creditor, since, reported, rng)
            due = owed.due + timedelta(days=7 * rng.randint(1, 3))
            extension = {"new_due_at": due, "reason": self.word("promises", "notes")}
            acts.append(Act(granted, creditor, "ExtensionGranted", {**ident, **extension}))
            reported = self.after(reported, owed.debtor, rng.randint(1, 4))
            owed = owed._replace(due=due)
        fulfilled = list(self._fulfilled(ident, creditor, owed.debtor, reported))
        # What is reported in time and reviewed late was breached all the same.
        return [*acts, *fulfilled, *self.missed(owed, fulfilled[-1].at)], True

    def _fulfilled(
        self, ident: dict[str, Any], creditor: str, debtor: str, at: datetime
    ) -> Iterator[Act]:
        rejected = self.rng.random() < 0.08
        for is_last in (False, True) if rejected else (True,):
            report = {
                "evidence": [self.attachment("bukti")],
                "note": self.word("promises", "notes"),
            }
            yield Act(at, debtor, "FulfilmentReported", {**ident, **report})
            at = self.after(at, creditor, self.rng.randint(1, 3))
            reason = None if is_last else self.word("promises", "rejections")
            review = {"accepted": is_last, "reason": reason}
            yield Act(at, creditor, "FulfilmentReviewed", {**ident, **review})
            at = self.after(at, debtor, self.rng.randint(1, 3))

    def ident(self, prefix: str) -> str:
        """An id that the subject has not used yet."""
        return f"{prefix}{next(self._ids)}"

    def word(self, table: str, name: str) -> str:
        """One of the texts of `words.toml`."""
        return str(self.rng.choice(words()[table][name]))

    def attachment(self, name: str) -> dict[str, Any]:
        """A file that stays with its owner."""
        number = self.rng.getrandbits(32)
        return {
            "name": f"{name}-{number:08x}.pdf",
            "media_type": "application/pdf",
            "bytes": 20_000 + number % 800_000,
            "sha256": sha256(number.to_bytes(4)).hexdigest(),
        }
