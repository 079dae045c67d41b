"""What the ledger has to say when limits pass, found the simplest way: by looking at everything.

A second implementation to hold the deadlines service to. It folds the agencies' events in memory,
goes through all that is owed every evening, and keeps its own books of breaches, ladders and
failed offers; no table, no index, no column of due dates that the service goes by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from projections.folds.fold import State, fold
from projections.folds.rows import Commitment
from projections.folds.subject import Past
from runut.rfc3339 import format_time
from tests.builders import directory_from, directory_log, recorded

JAKARTA = ZoneInfo("Asia/Jakarta")
A_SECOND = timedelta(seconds=1)
ARBITER = "kp2mi"
DAYS_BETWEEN_LEVELS = 3
LAST_LEVEL = 2

Json = dict[str, Any]


class Said(NamedTuple):
    """One event of the ledger itself: what must be the same whoever emits it."""

    type: str
    subject: str
    about: str
    """The commitment or the transfer."""
    detail: str
    """The due date, or to whom it is brought."""
    occurred_at: datetime


class Reminder(NamedTuple):
    """One notice to a debtor."""

    agency: str
    subject: str
    about: str
    due_at: datetime


class Book:
    """What is remembered of one commitment."""

    def __init__(self, due_at: datetime | None, known_at: datetime) -> None:
        self.due_at = due_at
        self.known_at = known_at
        self.breached: datetime | None = None
        self.level = 0
        self.next_step_at: datetime | None = None


class Case:
    """A case in memory."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.past = Past()
        self.failed: list[str] = []
        """Transfers that failed since the last acceptance or ruling."""
        self.is_escalated = False


class Reference:
    """The ledger's duties, evening by evening."""

    def __init__(self, begins_at: datetime) -> None:
        self.said: list[Said] = []
        self.reminders: list[Reminder] = []
        self.irregular = 0
        """Of the agencies' own events, those that came too late or were otherwise wrong."""
        self._directories = directory_from()
        self._directory = directory_log().latest
        self._cases: dict[str, Case] = {}
        self._owed: dict[tuple[str, str], Commitment] = {}
        self._books: dict[tuple[str, str], Book] = {}
        self._count = 0
        self.reminded_until = self.day_after(begins_at)

    def day_after(self, moment: datetime) -> datetime:
        """The end of the next working day."""
        return self._directory.calendar.end_of_nth_working_day(moment, 1, JAKARTA)

    def morning(self, events: Iterable[Json]) -> None:
        """Agencies act."""
        for event in events:
            verdict = self._take(event, event["occurred_at"])
            self.irregular += verdict != "EFFECTIVE"

    def evening(self, now: datetime) -> None:
        """Somebody looks at everything, until there is nothing more to say."""
        self._remind(now)
        before = -1
        while before < len(self.said):
            before = len(self.said)
            for said, data in list(self._due(now)):
                self._say(said, data, now)

    def _due(self, now: datetime) -> Iterator[tuple[Said, Json]]:
        for key, owed in self._owed.items():
            book = self._books[key]
            if book.due_at is None or book.known_at >= book.due_at or book.due_at >= now:
                continue
            is_offer = owed.kind == "TRANSFER_ANSWER"
            if book.breached != book.due_at:
                yield self._breach(owed, book.due_at)
            elif is_offer:
                at = book.due_at + A_SECOND
                said = Said("TransferLapsed", owed.subject, owed.source, "", at)
                yield said, {"transfer_id": owed.source}
            elif book.next_step_at is not None and book.next_step_at < now:
                yield from self._escalation(owed, book)
        for subject, case in self._cases.items():
            if len(case.failed) >= 2 and not case.is_escalated:
                yield self._transfer_escalation(subject, case)

    def _breach(self, owed: Commitment, due_at: datetime) -> tuple[Said, Json]:
        ident, at = owed.commitment_id, due_at + A_SECOND
        said = Said("CommitmentBreached", owed.subject, ident, format_time(due_at), at)
        return said, {"commitment_id": ident, "due_at": due_at, "rule": owed.rule}

    def _escalation(self, owed: Commitment, book: Book) -> Iterator[tuple[Said, Json]]:
        step = self._step(owed.debtor, book.level)
        assert book.next_step_at is not None
        if step is not None:
            level, to = step
            at, ident = book.next_step_at + A_SECOND, owed.commitment_id
            said = Said("EscalationRaised", owed.subject, ident, f"{to} {level}", at)
            yield said, {"commitment_id": ident, "to": to, "level": level}

    def _step(self, debtor: str, taken: int) -> tuple[int, str] | None:
        agency = self._directory.agency(debtor)
        superior = agency.escalates_to if agency else None
        if taken < 1 and superior is not None and superior != debtor:
            return 1, superior
        return (2, ARBITER) if taken < 2 and debtor != ARBITER else None

    def _transfer_escalation(self, subject: str, case: Case) -> tuple[Said, Json]:
        # By the second failure: more may follow before anybody looks.
        failed = case.failed[-1]
        at = self._failed_at(case, failed) + A_SECOND
        said = Said("TransferEscalated", subject, failed, ARBITER, at)
        return said, {"transfer_id": failed, "arbiter": ARBITER}

    @staticmethod
    def _failed_at(case: Case, transfer_id: str) -> datetime:
        found = next(row for (_, ident), row in case.past.rows.items() if ident == transfer_id)
        return found.answered_at  # type: ignore[attr-defined, no-any-return]

    def _say(self, said: Said, data: Json, now: datetime) -> None:
        about = {"type": said.type, "subject": said.subject, "agency": "runut"}
        event = {**about, "occurred_at": said.occurred_at, "data": data}
        assert self._take(event, now) == "EFFECTIVE", said
        self.said.append(said)
        if said.type == "TransferEscalated":
            self._cases[said.subject].is_escalated = True
        elif said.type != "TransferLapsed":
            self._climb(said, data)

    def _climb(self, said: Said, data: Json) -> None:
        """After a breach the first step is due at once, the next one some working days later."""
        book = self._books[said.subject, said.about]
        after = said.occurred_at
        if said.type == "CommitmentBreached":
            book.breached, book.next_step_at = book.due_at, after
            return
        book.level = data["level"]
        book.next_step_at = self._directory.calendar.end_of_nth_working_day(
            after, DAYS_BETWEEN_LEVELS, JAKARTA
        )
        if book.level == LAST_LEVEL:
            book.next_step_at = None

    def _take(self, event: Json, recorded_at: datetime) -> str:
        """Fold one event; gives its verdict."""
        self._count += 1
        one = recorded(event, self._count, recorded_at)
        case = self._cases.setdefault(event["subject"], Case())
        folded = fold(case.state, one, self._directory, case.past)
        case.past.take(one, folded)
        case.state = folded.state
        for row in folded.rows.values():
            if isinstance(row, Commitment):
                self._note(row, recorded_at)
        if folded.verdict == "EFFECTIVE":
            self._count_failures(case, event)
        return folded.verdict

    def _note(self, row: Commitment, recorded_at: datetime) -> None:
        key = (row.subject, row.commitment_id)
        if row.status in {"OPEN", "REPORTED"}:
            self._owed[key] = row
        else:
            self._owed.pop(key, None)
        book = self._books.get(key)
        if book is None or book.due_at != row.due_at:
            self._books[key] = Book(row.due_at, recorded_at)

    @staticmethod
    def _count_failures(case: Case, event: Json) -> None:
        if event["type"] in {"TransferRefused", "TransferLapsed"}:
            case.failed.append(event["data"]["transfer_id"])
        elif event["type"] in {"TransferAccepted", "CustodyRuled"}:
            case.failed.clear()
            case.is_escalated = False

    def _remind(self, now: datetime) -> None:
        until = self.day_after(now)
        for (subject, ident), owed in self._owed.items():
            due_at = owed.due_at
            if owed.status == "OPEN" and due_at and max(self.reminded_until, now) < due_at <= until:
                self.reminders.append(Reminder(owed.debtor, subject, ident, due_at))
        self.reminded_until = max(until, self.reminded_until)
