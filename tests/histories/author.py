"""The author of random histories: when things happen, who does them, and what goes wrong.

What the events are about is in the module of each kind of subject.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from projections.folds.fold import State, fold
from projections.folds.rows import Commitment, Row
from projections.folds.subject import Past
from runut.event import Event, Recorded, SignatureStatus
from tests.builders import recorded
from tests.changing_directory import Announced, unchanging
from tests.histories import case
from tests.histories.story import Data, Story

AGENCIES = ["kp2mi", "bp3mi-ntt", "kbri-kl", "polri", "kemensos", "sbmi", "runut", "nobody"]
"""Kinds and roles of all sorts; the last one is mostly unknown to the directory."""
STARTS = [datetime(2025, 3, 3, 2, tzinfo=UTC), datetime(2025, 5, 20, 16, 30, tzinfo=UTC)]
"""Before holidays and before another protocol, which `changing` has from June on."""
MINUTES_PASSED = [-600, 1, 7, 60, 300, 300, 1440, 20_000]
MINUTES_TO_THE_LOG = [0, 0, 1, 90, 9000]
BEYOND = [
    timedelta(minutes=5),
    timedelta(minutes=5, microseconds=1),
    timedelta(hours=9),
]
"""How far ahead of the log an event may say that it happened; only the first is forgiven."""
FORGED: list[SignatureStatus] = ["MISSING", "KEY_UNKNOWN", "KEY_REVOKED", "INVALID"]


class Author:
    """Writes one history, seeing the state that its events have led to."""

    def __init__(
        self, seed: int, story: Story | None = None, announced: Announced | None = None
    ) -> None:
        self.rng: random.Random = random.Random(seed)
        self.story = story or case.STORY
        self.announced = announced or unchanging()
        self.now: datetime = self.rng.choice(STARTS) + timedelta(minutes=self.rng.randint(0, 1440))
        self.logged_at = self.now
        self.stage = self._first_stage()
        self.state: State | None = None
        self.past = Past()
        self.records: list[Recorded] = []
        self.effective: list[Event] = []
        """What counted so far."""

    def _first_stage(self) -> int:
        usual = len(self.announced.offsets) // 2
        return self.rng.choice([usual, usual, self.rng.randrange(len(self.announced.offsets))])

    def write(self, length: int) -> list[Recorded]:
        """A history of so many records."""
        while len(self.records) < length:
            self.now += timedelta(minutes=self.rng.choice(MINUTES_PASSED))
            if self.rng.random() < 0.02:
                self.stage = min(self.stage + 1, len(self.announced.offsets) - 1)
            self._add(self._next())
        return self.records

    def _add(self, event: Data) -> None:
        delay = timedelta(minutes=self.rng.choice(MINUTES_TO_THE_LOG))
        self.logged_at = max(self.logged_at, self.now + delay)
        if self.rng.random() < 0.03:
            event = {**event, "occurred_at": self.logged_at + self.rng.choice(BEYOND)}
        directory_offset = self.announced.offsets[self.stage]
        is_known = any(one.event.event_id == event["event_id"] for one in self.records)
        signature = self._signature(event["agency"], directory_offset, 0.3 if is_known else 0.04)
        one = recorded(event, len(self.records) + 1, self.logged_at, signature)
        one = replace(one, directory_offset=directory_offset)
        if one.event.type != "EventCorrected":
            # What a correction would undo is left standing: near enough to steer by.
            folded = fold(self.state, one, self.announced.at(directory_offset), self.past)
            self.past.take(one, folded)
            self.state = folded.state
            if folded.verdict == "EFFECTIVE":
                self.effective.append(one.event)
        self.records.append(one)

    def _signature(self, agency: str, directory_offset: int, forged: float) -> SignatureStatus:
        if self.announced.at(directory_offset).agency(agency) is None:
            return "UNKNOWN_AGENCY"
        if self.rng.random() < forged:
            return self.rng.choice(FORGED)
        return self.rng.choice(["VALID", "VALID", "VALID", "UNSIGNED"])

    def _next(self) -> Data:
        if self.records and self.rng.random() < 0.08:
            return self._repeated()
        if self.records and self.rng.random() < 0.08:
            return self._corrected()
        return self._new()

    def _new(self) -> Data:
        names = list(self.story.payloads)
        if not self.effective and self.rng.random() < 0.9:
            name = self.rng.choice(self.story.first)
        elif self.rng.random() < 0.03:
            name = self.rng.choice(names)
        else:
            weights = [self.story.weigh(self, one) for one in names]
            name = self.rng.choices(names, weights)[0]
        data = self.story.payloads[name](self)
        return self._event(name, self._emitter(name, data), data)

    def _event(self, name: str, agency: str, data: Data) -> Data:
        event_id = str(UUID(int=self.rng.getrandbits(128), version=4))
        about = {"type": name, "subject": self.story.subject, "agency": agency}
        return {**about, "event_id": event_id, "occurred_at": self.now, "data": data}

    def _emitter(self, name: str, data: Data) -> str:
        """Mostly whoever may, else anybody."""
        if self.rng.random() < 0.25:
            return self.agency()
        if name in BY_THE_LEDGER:
            return "runut"
        concerned = self.story.concerned(self, name, data)
        return self.rng.choice(concerned) if concerned else self.agency()

    def _repeated(self) -> Data:
        """An earlier event again, its id taken by another agency, or another event under it."""
        event = self.rng.choice(self.records).event
        if self.rng.random() < 0.1:
            return {**self._new(), "agency": event.agency, "event_id": event.event_id}
        again = {
            **self._event(event.type, event.agency, event.data),
            "event_id": event.event_id,
            "occurred_at": event.occurred_at,
        }
        return {**again, **self.rng.choice([{}, {"agency": self.agency()}, self._otherwise()])}

    def _otherwise(self) -> Data:
        """What tells an event from the one whose id it has."""
        return self.rng.choice([{"occurred_at": self.now}, {"channel": "LETTER"}])

    def _corrected(self) -> Data:
        # Seldom the first event: without it nothing else counts.
        late = self.records[self.rng.randint(0, 4) and 1 :] or self.records
        target = self.rng.choice(late).event
        agency = self.rng.choice([target.agency, target.agency, self.agency()])
        stranger = str(UUID(int=self.rng.getrandbits(128), version=4))
        named = self.rng.choice([target.event_id] * 9 + [stranger])
        return self._event("EventCorrected", agency, {"target": named, "reason": "keliru"})

    def told(self, *names: str) -> list[Data]:
        """Payloads of the events of these types that counted."""
        return [event.data for event in self.effective if event.type in names]

    def agency(self) -> str:
        """Any agency."""
        return self.rng.choices(AGENCIES, [6, 6, 5, 4, 3, 2, 1, 1])[0]

    def custodian(self) -> str:
        """An agency that can hold a case."""
        return self.rng.choice(AGENCIES[:5])

    def ident(self, prefix: str) -> str:
        """One of few ids, so that events meet; mostly one that is in use."""
        known = [i for _, i in self.past.rows if str(i).startswith(prefix) and len(str(i)) < 4]
        fresh = self.new_ident(prefix)
        return str(self.rng.choice(known)) if known and self.rng.random() < 0.8 else fresh

    def new_ident(self, prefix: str) -> str:
        """An id for a new thing; now and then one already taken."""
        return f"{prefix}{self.rng.randint(1, 9)}"

    def row(self, ident: str | None) -> Row | None:
        """What an event names."""
        return next((row for row in self.past.rows.values() if row.ident == ident), None)

    def rows(self, table: type[Row], *statuses: str) -> Iterator[Row]:
        """All of a table, or those with a status."""
        for row in self.past.rows.values():
            if isinstance(row, table) and (not statuses or getattr(row, "status", "") in statuses):
                yield row

    def coin(self) -> bool:
        """Yes or no."""
        return self.rng.random() < 0.5

    def text(self) -> str:
        """A reason, sometimes blank."""
        return self.rng.choice(["alasan", "alasan", "  "])

    def soon(self) -> datetime | None:
        """A limit given in the event, or none."""
        return self.rng.choice([None, self.now + timedelta(days=3)])

    def day(self, *days: int) -> str:
        """A date so many days from today."""
        return (self.now + timedelta(days=self.rng.choice(days))).date().isoformat()

    def due(self, commitment_id: str) -> datetime:
        """When it is due, if it is."""
        found: Any = self.past.rows.get((Commitment, commitment_id))
        return getattr(found, "due_at", None) or self.now


BY_THE_LEDGER = {"CommitmentBreached", "TransferLapsed", "EscalationRaised"}
