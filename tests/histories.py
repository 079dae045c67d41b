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
from projections.folds.subject import Past
from runut.event import Recorded
from tests.builders import directory_from, recorded

SUBJECT = "case/RANDOM-1"
AGENCIES = ["kp2mi", "bp3mi-ntt", "kbri-kl", "polri", "sbmi", "nobody"]
START = datetime(2025, 3, 3, 2, tzinfo=UTC)

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
        name = "CaseReported" if self.state is None else self.rng.choice(list(PAYLOADS))
        return self._event(name, self._emitter(name), PAYLOADS[name](self))

    def _event(self, name: str, agency: str, data: Data) -> Data:
        event_id = str(UUID(int=self.rng.getrandbits(128), version=4))
        about = {"type": name, "subject": SUBJECT, "agency": agency, "event_id": event_id}
        return {**about, "occurred_at": self.now, "data": data}

    def _emitter(self, name: str) -> str:
        if name in {"CommitmentBreached", "TransferLapsed", "EscalationRaised"}:
            return self.rng.choice(["runut", "runut", self.agency()])
        if self.state is not None and self.rng.random() < 0.5:
            return self.state.custodian
        return self.agency()

    def _repeated(self) -> Data:
        """An earlier event again, or its id taken by another agency."""
        event = self.rng.choice(self.records).event
        agency = self.rng.choice([event.agency, self.agency()])
        about = {"type": event.type, "subject": SUBJECT, "agency": agency}
        when = {"event_id": event.event_id, "occurred_at": event.occurred_at}
        return {**about, **when, "data": event.data}

    def _corrected(self) -> Data:
        target = self.rng.choice(self.records).event
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
        """One of few ids, so that events meet."""
        return f"{prefix}{self.rng.randint(1, 3)}"

    def coin(self) -> bool:
        """Yes or no."""
        return self.rng.random() < 0.5

    def text(self) -> str:
        """A reason, sometimes blank."""
        return self.rng.choice(["alasan", "alasan", "  "])

    def soon(self) -> datetime | None:
        """A limit given in the event, or none."""
        return self.rng.choice([None, self.now + timedelta(days=3)])

    def commitment(self) -> str:
        """The id of a commitment that exists, or of one that does not."""
        known = [str(k[1]) for k in self.past.rows if k[0].__name__ == "Commitment"]
        return self.rng.choice([*known, "C1", "C9"])

    def due(self, commitment_id: str) -> datetime:
        """When it is due, if it is."""
        for row in self.past.rows.values():
            if row.ident == commitment_id and getattr(row, "due_at", None):
                return row.due_at  # type: ignore[attr-defined,no-any-return]
        return self.now


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
    return {"commitment_id": a.ident("C"), **who, **basis, "what": "-", "due_at": due}


def _breached(a: Author) -> Data:
    commitment_id = a.commitment()
    return {"commitment_id": commitment_id, "due_at": a.due(commitment_id)}


def _letter(a: Author) -> Data:
    about = {"number": "1", "dated": "2025-03-03", "doc_type": "MEMO", "title": "-"}
    to = [a.agency() for _ in range(a.rng.randint(0, 3))]
    reply = {"reply_expected": a.coin(), "reply_due_at": a.soon()}
    return {"letter_id": a.ident("L"), **about, "urgency": "NORMAL", "to": to, **reply}


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
        "transfer_id": a.ident("T"),
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
        "contact_id": a.ident("K"),
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": [a.agency()],
        "summary": "-",
    },
    "ContactAcknowledged": lambda a: {"contact_id": a.ident("K"), "agrees": a.coin()},
    "DecisionRecorded": lambda a: {
        "decision_id": a.ident("D"),
        "meeting": "meeting/M1",
        "text": "-",
        "adopters": [a.agency(), a.agency()],
        "follow_up": "COMMITMENTS",
    },
    "CommitmentMade": _made,
    "CommitmentAnswered": lambda a: {
        "commitment_id": a.commitment(),
        "accepts": a.coin(),
        "reason": a.text(),
    },
    "FulfilmentReported": lambda a: {"commitment_id": a.commitment()},
    "FulfilmentReviewed": lambda a: {
        "commitment_id": a.commitment(),
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
        "assistance_id": a.ident("A"),
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
