"""Random histories of one case, steered so that many of their events are in order.

A history grows event by event: each looks at the state before it, so that transfers get answered,
commitments fulfilled and cases closed, and about a third of what agencies do is still wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from projections.folds.fold import State, fold
from projections.folds.rows import Assistance, Commitment, Contact, Letter, Row, Transfer
from projections.folds.subject import Past
from runut.event import Recorded
from tests.builders import directory_from, recorded

SUBJECT = "case/RANDOM-1"
AGENCIES = ["kp2mi", "bp3mi-ntt", "kbri-kl", "polri", "sbmi", "nobody"]
START = datetime(2025, 3, 3, 2, tzinfo=UTC)

ABOUT: dict[str, tuple[type[Row], set[str]]] = {
    "TransferAccepted": (Transfer, {"OPEN"}),
    "TransferRefused": (Transfer, {"OPEN"}),
    "TransferWithdrawn": (Transfer, {"OPEN"}),
    "TransferLapsed": (Transfer, {"OPEN"}),
    "TransferEscalated": (Transfer, set()),
    "LetterReceived": (Letter, set()),
    "LetterAnswered": (Letter, set()),
    "LetterReminded": (Letter, set()),
    "ContactAcknowledged": (Contact, set()),
    "CommitmentAnswered": (Commitment, {"PROPOSED"}),
    "FulfilmentReported": (Commitment, {"OPEN"}),
    "FulfilmentReviewed": (Commitment, {"REPORTED"}),
    "AssistanceAnswered": (Assistance, {"REQUESTED"}),
    "AssistanceDelivered": (Assistance, {"ACCEPTED"}),
}
BY_THE_LEDGER = {"CommitmentBreached", "TransferLapsed", "EscalationRaised"}
BY_THE_CREDITOR = {"FulfilmentReviewed", "ExtensionGranted", "CommitmentCancelled"}
# Rare, since little happens after them.
ENDINGS = {"MergeAccepted", "CaseClosed", "CaseReported", "CaseVerified", "CaseResolved"}

Data = dict[str, Any]


class Author:
    """Writes one history, seeing the state that its events have led to."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = START
        self.state: State | None = None
        self.past = Past()
        self.records: list[Recorded] = []

    def write(self, length: int) -> list[Recorded]:
        """A history of so many records."""
        directories = directory_from()
        for offset in range(1, length + 1):
            self.now += timedelta(minutes=self.rng.choice([-600, 1, 60, 3000, 20_000]))
            one = recorded(self._next(), offset)
            if one.event.type != "EventCorrected":
                # What a correction would undo is left standing: near enough to steer by.
                folded = fold(self.state, one, directories(one.directory_offset), self.past)
                self.past.take(one, folded)
                self.state = folded.state
            self.records.append(one)
        return self.records

    def _next(self) -> Data:
        if self.records and self.rng.random() < 0.08:
            return self._repeated()
        if self.records and self.rng.random() < 0.08:
            return self._corrected()
        name = "CaseReported"
        if self.state is not None:
            names = [one for one in PAYLOADS if self._is_timely(one) or self.rng.random() < 0.05]
            name = self.rng.choices(names, [_weight(one) for one in names])[0]
        data = PAYLOADS[name](self)
        return self._event(name, self._emitter(name, data), data)

    def _is_timely(self, name: str) -> bool:
        """Whether there is something that the event could be about."""
        wanted = ABOUT.get(name)
        if wanted is None:
            return True
        table, statuses = wanted
        rows = [row for row in self.past.rows.values() if isinstance(row, table)]
        return any(getattr(row, "status", None) in statuses or not statuses for row in rows)

    def _event(self, name: str, agency: str, data: Data) -> Data:
        event_id = str(UUID(int=self.rng.getrandbits(128), version=4))
        about = {"type": name, "subject": SUBJECT, "agency": agency, "event_id": event_id}
        return {**about, "occurred_at": self.now, "data": data}

    def _emitter(self, name: str, data: Data) -> str:
        """Mostly whoever may, else anybody."""
        if self.rng.random() < 0.3:
            return self.agency()
        if name in BY_THE_LEDGER:
            return "runut"
        concerned = self._concerned(name, data)
        if concerned:
            return self.rng.choice(concerned)
        return self.state.custodian if self.state is not None else self.agency()

    def _concerned(self, name: str, data: Data) -> list[str]:
        """The agencies that the thing an event names waits for."""
        if name == "MergeAccepted" and self.state is not None:
            return [self.state.merge_addressee or "kp2mi"]
        role = "creditor" if name in BY_THE_CREDITOR else "debtor"
        for field, attribute in (
            ("commitment_id", role),
            ("letter_id", "sender" if name == "LetterReminded" else "to_agencies"),
            ("transfer_id", "from_agency" if name == "TransferWithdrawn" else "to_agency"),
            ("assistance_id", "provider"),
            ("contact_id", "with_agencies"),
        ):
            row = self._row(data.get(field))
            if row is not None and hasattr(row, attribute):
                found = getattr(row, attribute)
                return [found] if isinstance(found, str) else list(found)
        return []

    def _row(self, ident: str | None) -> Row | None:
        return next((row for row in self.past.rows.values() if row.ident == ident), None)

    def _repeated(self) -> Data:
        """An earlier event again, or its id taken by another agency."""
        event = self.rng.choice(self.records).event
        agency = self.rng.choice([event.agency, self.agency()])
        about = {"type": event.type, "subject": SUBJECT, "agency": agency}
        when = {"event_id": event.event_id, "occurred_at": event.occurred_at}
        return {**about, **when, "data": event.data}

    def _corrected(self) -> Data:
        # Seldom the report itself: without it nothing else counts.
        late = self.records[self.rng.randint(0, 4) and 1 :] or self.records
        target = self.rng.choice(late).event
        agency = self.rng.choice([target.agency, target.agency, self.agency()])
        data = {"target": target.event_id, "reason": "keliru"}
        return self._event("EventCorrected", agency, data)

    def agency(self) -> str:
        """Any agency; the last one is unknown to the directory."""
        return self.rng.choices(AGENCIES, [6, 6, 5, 4, 2, 1])[0]

    def custodian(self) -> str:
        """An agency that can hold a case."""
        return self.rng.choice(AGENCIES[:4])

    def ident(self, prefix: str) -> str:
        """One of few ids, so that events meet; mostly one that is in use."""
        known = [i for _, i in self.past.rows if str(i).startswith(prefix) and len(str(i)) < 4]
        fresh = f"{prefix}{self.rng.randint(1, 9)}"
        return str(self.rng.choice(known)) if known and self.rng.random() < 0.8 else fresh

    def new_ident(self, prefix: str) -> str:
        """An id for a new thing; now and then one already taken."""
        return f"{prefix}{self.rng.randint(1, 9)}"

    def coin(self) -> bool:
        """Yes or no."""
        return self.rng.random() < 0.5

    def text(self) -> str:
        """A reason, sometimes blank."""
        return self.rng.choice(["alasan", "alasan", "  "])

    def soon(self) -> datetime | None:
        """A limit given in the event, or none."""
        return self.rng.choice([None, self.now + timedelta(days=3)])

    def commitment(self, *statuses: str) -> str:
        """The id of a commitment, mostly of one with these statuses."""
        known = [row for row in self.past.rows.values() if isinstance(row, Commitment)]
        fitting = [row for row in known if row.status in statuses] or known
        return self.rng.choice([*[row.commitment_id for row in fitting], "C1"])

    def due(self, commitment_id: str) -> datetime:
        """When it is due, if it is."""
        found = self.past.rows.get((Commitment, commitment_id))
        return getattr(found, "due_at", None) or self.now


def _reported(a: Author) -> Data:
    codes = {"country": "MY", "intake": "WALK_IN", "relation": "FAMILY", "phase": "DURING"}
    category = a.rng.choice(["UNPAID_WAGES", "TRAFFICKING"])
    kind = {"category": category, "urgency": "URGENT", "sector": "FORMAL"}
    named = a.rng.choice([None, a.custodian()])
    return {**codes, **kind, "placement": "PROCEDURAL", "summary": "-", "custodian": named}


def _made(a: Author) -> Data:
    kind = a.rng.choice(["OWN", "DECISION"])
    who = {"debtor": a.agency(), "creditor": a.agency()}
    basis = {"source_kind": kind, "source_ref": a.ident("D") if kind == "DECISION" else None}
    due = a.now + timedelta(days=a.rng.randint(1, 9))
    return {"commitment_id": a.new_ident("C"), **who, **basis, "what": "-", "due_at": due}


def _breached(a: Author) -> Data:
    commitment_id = a.commitment("OPEN", "REPORTED")
    return {"commitment_id": commitment_id, "due_at": a.due(commitment_id)}


def _letter(a: Author) -> Data:
    about = {"number": "1", "dated": "2025-03-03", "doc_type": "MEMO", "title": "-"}
    to = [a.agency() for _ in range(a.rng.randint(0, 3))]
    reply = {"reply_expected": a.coin(), "reply_due_at": a.soon()}
    return {"letter_id": a.new_ident("L"), **about, "urgency": "NORMAL", "to": to, **reply}


PAYLOADS: dict[str, Callable[[Author], Data]] = {
    "CaseReported": _reported,
    "CaseVerified": lambda a: {"result": a.rng.choice(["VERIFIED", "REJECTED"]), "note": "-"},
    "CaseClassified": lambda a: {"category": "ABUSE", "urgency": "NORMAL", "trafficking": a.coin()},
    "CaseResolved": lambda a: {"outcome": "-"},
    "ClosureConsented": lambda a: {},
    "CaseClosed": lambda a: {"scope": a.rng.choice(["LEDGER", "LEDGER", "LOCAL"]), "ground": "-"},
    "CaseReopened": lambda a: {"reason": "-"},
    "MergeProposed": lambda a: {
        "survivor": a.rng.choice(["case/OTHER", SUBJECT]),
        "to": a.custodian(),
    },
    "MergeAccepted": lambda a: {"survivor": "case/OTHER"},
    "MergeRefused": lambda a: {"survivor": "case/OTHER", "reason": "-"},
    "CaseAbsorbed": lambda a: {"absorbed": f"case/{a.ident('X')}"},
    "TransferOffered": lambda a: {
        "transfer_id": a.new_ident("T"),
        "to": a.agency(),
        "ground": "MANDATE",
        "reason": "-",
        "answer_due_at": a.soon(),
    },
    "TransferAccepted": lambda a: {"transfer_id": a.ident("T")},
    "TransferRefused": lambda a: {
        "transfer_id": a.ident("T"),
        "ground": "LEGAL_BAR",
        "reason": a.text(),
    },
    "TransferWithdrawn": lambda a: {"transfer_id": a.ident("T"), "reason": "-"},
    "TransferLapsed": lambda a: {"transfer_id": a.ident("T")},
    "TransferEscalated": lambda a: {"transfer_id": a.ident("T"), "arbiter": a.agency()},
    "CustodyRuled": lambda a: {"custodian": a.agency(), "reason": "-"},
    "LetterSent": _letter,
    "LetterReceived": lambda a: {"letter_id": a.ident("L")},
    "LetterAnswered": lambda a: {
        "letter_id": a.ident("L"),
        "answer": a.rng.choice(["COMPLETE", "PARTIAL", "DECLINED"]),
        "reason": a.rng.choice([None, "alasan"]),
    },
    "LetterReminded": lambda a: {"letter_id": a.ident("L"), "nth": 1},
    "ContactLogged": lambda a: {
        "contact_id": a.new_ident("K"),
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": [a.agency()],
        "summary": "-",
    },
    "ContactAcknowledged": lambda a: {"contact_id": a.ident("K"), "agrees": a.coin()},
    "DecisionRecorded": lambda a: {
        "decision_id": a.new_ident("D"),
        "meeting": "meeting/M1",
        "text": "-",
        "adopters": [a.agency(), a.agency()],
        "follow_up": "COMMITMENTS",
    },
    "CommitmentMade": _made,
    "CommitmentAnswered": lambda a: {
        "commitment_id": a.commitment("PROPOSED"),
        "accepts": a.coin(),
        "reason": a.text(),
    },
    "FulfilmentReported": lambda a: {"commitment_id": a.commitment("OPEN")},
    "FulfilmentReviewed": lambda a: {
        "commitment_id": a.commitment("REPORTED"),
        "accepted": a.coin(),
        "reason": a.text(),
    },
    "ExtensionGranted": lambda a: {
        "commitment_id": a.commitment(),
        "new_due_at": a.now + timedelta(days=20),
        "reason": "-",
    },
    "CommitmentCancelled": lambda a: {"commitment_id": a.commitment(), "reason": "-"},
    "CommitmentBreached": _breached,
    "EscalationRaised": lambda a: {
        "commitment_id": a.commitment(),
        "to": a.custodian(),
        "level": 1,
    },
    "AssistanceRequested": lambda a: {
        "assistance_id": a.new_ident("A"),
        "kind": "SHELTER",
        "provider": a.agency(),
        "emergency": a.coin(),
        "reason": "-",
        "due_at": a.soon(),
    },
    "AssistanceAnswered": lambda a: {
        "assistance_id": a.ident("A"),
        "accepted": a.coin(),
        "ground": a.rng.choice([None, "LEGAL_BAR"]),
        "reason": a.text(),
    },
    "AssistanceDelivered": lambda a: {"assistance_id": a.ident("A")},
    "DataShared": lambda a: {
        "share_id": "S1",
        "to": [a.agency()],
        "purpose": "-",
        "lawful_basis": a.text(),
    },
}


def _weight(name: str) -> int:
    if name in ENDINGS:
        return 2
    return 6 if name.startswith(("Commitment", "Fulfilment", "Transfer", "Assistance")) else 4
