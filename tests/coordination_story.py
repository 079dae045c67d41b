"""Four months of coordination between five agencies, small enough to be measured by hand.

Times are Jakarta's. Every event is recorded a minute after it occurred, at a moment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from runut.event import Recorded
from runut.rfc3339 import parse_time
from tests.builders import recorded

Line = tuple[str, str, str, str, dict[str, Any]]

CASE_A, CASE_B = "case/A", "case/B"
JANUARY, FEBRUARY = "meeting/RAKOR-01", "meeting/RAKOR-02"
AGREEMENT = "agreement/PKS"
REPORT = {
    "category": "UNPAID_WAGES",
    "urgency": "NORMAL",
    "phase": "DURING",
    "country": "MY",
    "intake": "WALK_IN",
    "relation": "FAMILY",
    "sector": "INFORMAL",
    "placement": "PROCEDURAL",
    "summary": "Upah tidak dibayar.",
}


def at(text: str) -> datetime:
    """`01-05 09:00` of 2026 in Jakarta."""
    return parse_time(f"2026-{text.replace(' ', 'T')}:00+07:00")


def story(first_offset: int = 1) -> list[Recorded]:
    """The events in the order of their times, which is that of the log."""
    lines = sorted(
        [*_case_a(), *_case_b(), *_meetings(), *_agreement()], key=lambda line: at(line[0])
    )
    return [told(line, offset) for offset, line in enumerate(lines, first_offset)]


def told(line: Line, offset: int) -> Recorded:
    """One line at its place in the log."""
    when, subject, agency, event_type, data = line
    event = {
        "type": event_type,
        "subject": subject,
        "agency": agency,
        "occurred_at": at(when).isoformat(),
        "data": data,
    }
    return recorded(event, offset, at(when) + timedelta(minutes=1, milliseconds=offset))


def _case_a() -> Iterator[Line]:
    def line(when: str, agency: str, event_type: str, **data: Any) -> Line:
        return when, CASE_A, agency, event_type, data

    yield line("01-05 09:00", "kp2mi", "CaseReported", **REPORT)
    yield line("01-06 09:00", "kp2mi", "CaseVerified", result="VERIFIED", note="-")
    # Answered after 24 hours by one and after 72, declining, by the other.
    yield line("01-06 10:00", "kp2mi", "LetterSent", **_letter("L1", "kbri-kl", "polri"))
    yield line("01-07 10:00", "kbri-kl", "LetterAnswered", letter_id="L1", answer="COMPLETE")
    declined = {"answer": "DECLINED", "reason": "Bukan kewenangan"}
    yield line("01-09 10:00", "polri", "LetterAnswered", letter_id="L1", **declined)
    # After 10 hours, after 72; one that expects none; one that nobody answers.
    yield line("01-08 08:00", "kp2mi", "LetterSent", **_letter("L2", "kbri-kl"))
    yield line("01-08 18:00", "kbri-kl", "LetterAnswered", letter_id="L2", answer="COMPLETE")
    yield line("01-12 08:00", "kp2mi", "LetterSent", **_letter("L3", "kbri-kl"))
    yield line("01-15 08:00", "kbri-kl", "LetterAnswered", letter_id="L3", answer="COMPLETE")
    yield line("02-02 08:00", "kp2mi", "LetterSent", **_letter("L4", "kbri-kl", expects=False))
    yield line("02-03 08:00", "kbri-kl", "LetterSent", **_letter("L5", "kp2mi"))
    # Bounced after 12 hours, accepted after 24, withdrawn.
    yield line("01-20 08:00", "kp2mi", "TransferOffered", **_offer("T1", "bp3mi-ntt"))
    refused = {"transfer_id": "T1", "ground": "OWN_DUTIES", "reason": "Penuh"}
    yield line("01-20 20:00", "bp3mi-ntt", "TransferRefused", **refused)
    yield line("01-22 08:00", "kp2mi", "TransferOffered", **_offer("T2", "bp3mi-ntt"))
    yield line("01-23 08:00", "bp3mi-ntt", "TransferAccepted", transfer_id="T2")
    yield line("02-03 09:00", "bp3mi-ntt", "TransferOffered", **_offer("T3", "kp2mi"))
    yield line("02-03 10:00", "bp3mi-ntt", "TransferWithdrawn", transfer_id="T3", reason="Keliru")
    # kbri-kl was called by kp2mi; kemensos says that it was not called by polri.
    yield line("01-13 09:00", "kbri-kl", "ContactLogged", **_contact("K1", "INCOMING", "kp2mi"))
    yield line("01-13 10:00", "polri", "ContactLogged", **_contact("K2", "OUTGOING", "kemensos"))
    disputes = {"contact_id": "K2", "agrees": False, "note": None}
    yield line("01-13 11:00", "kemensos", "ContactAcknowledged", **disputes)
    shared = {"share_id": "S1", "to": ["polri"], "fields": ["paspor"], "purpose": "Pencarian"}
    yield line("01-14 09:00", "kp2mi", "DataShared", **shared, lawful_basis="UU 27/2022")
    # Kept: reported the day before the limit, reviewed the day after. Broken: polri's own.
    yield line("01-15 15:00", "kbri-kl", "CommitmentMade", **_promise("P1", "kbri-kl", "01-30"))
    yield line("01-29 09:00", "kbri-kl", "FulfilmentReported", commitment_id="P1", evidence=[])
    accepted = {"commitment_id": "P1", "accepted": True}
    yield line("01-31 09:00", "kp2mi", "FulfilmentReviewed", **accepted)
    letter = {"source_kind": "LETTER", "source_ref": "L1"}
    yield line("01-16 15:00", "polri", "CommitmentMade", **_promise("P2", "polri", "02-05", letter))


def _case_b() -> Iterator[Line]:
    yield "02-02 09:00", CASE_B, "kbri-kl", "CaseReported", REPORT
    # The ledger's own word moves no case.
    breached = {
        "commitment_id": "VERIFICATION:B:kbri-kl",
        "due_at": at("02-05 23:59").replace(second=59).isoformat(),
    }
    yield "02-06 09:00", CASE_B, "runut", "CommitmentBreached", breached


def _meetings() -> Iterator[Line]:
    for subject, day in ((JANUARY, "01-15"), (FEBRUARY, "02-20")):
        plan = {"series": "rakor-pusat", "chair": "kp2mi", "mode": "HYBRID", "title": "Rakor"}
        invited = {"invitees": ["kp2mi", "polri"], "starts_at": at(f"{day} 09:00").isoformat()}
        yield f"{day[:2]}-10 09:00", subject, "kp2mi", "MeetingScheduled", {**plan, **invited}
        yield f"{day} 12:00", subject, "kp2mi", "MeetingHeld", _held(day)
    for name, follow_up in (("D1", "COMMITMENTS"), ("D2", "COMMITMENTS"), ("D3", "NO_ACTION")):
        decision = {"decision_id": name, "meeting": JANUARY, "text": "-", "adopters": ["kbri-kl"]}
        decided = {**decision, "follow_up": follow_up}
        yield "01-15 13:00", JANUARY, "kp2mi", "DecisionRecorded", decided
    adopted = {
        "minutes": {"name": "n", "media_type": "text/plain", "bytes": 1, "sha256": "00" * 32},
        "adopters": ["kp2mi"],
    }
    yield "01-16 09:00", JANUARY, "kp2mi", "MinutesAdopted", adopted
    # Fulfilled five days after its limit, so late, and D1 is carried out.
    source = {"source_kind": "DECISION", "source_ref": "D1"}
    promise = _promise("P3", "kbri-kl", "02-20", source)
    yield "01-15 14:00", JANUARY, "kbri-kl", "CommitmentMade", promise
    reported = {"commitment_id": "P3", "evidence": []}
    yield "02-25 09:00", JANUARY, "kbri-kl", "FulfilmentReported", reported
    accepted = {"commitment_id": "P3", "accepted": True}
    yield "02-26 09:00", JANUARY, "kp2mi", "FulfilmentReviewed", accepted


def _agreement() -> Iterator[Line]:
    clause = {"clause_id": "K1", "text": "Data bulanan", "debtor": "polri", "every_days": 30}
    fine = {"clause_id": "K1", "amount": "1000.00", "currency": "IDR"}
    proposal = {
        "title": "PKS data",
        "parties": ["kp2mi", "polri"],
        "secretariat": "kp2mi",
        "clauses": [clause],
        "fines": [fine],
        "fund": "dana",
    }
    yield "02-09 09:00", AGREEMENT, "kp2mi", "AgreementProposed", proposal
    yield "02-10 09:00", AGREEMENT, "kp2mi", "AgreementSigned", {}
    yield "02-10 10:00", AGREEMENT, "polri", "AgreementSigned", {}


def _letter(letter_id: str, *to: str, expects: bool = True) -> dict[str, Any]:
    return {
        "letter_id": letter_id,
        "number": letter_id,
        "dated": "2026-01-05",
        "doc_type": "OFFICIAL_LETTER",
        "urgency": "NORMAL",
        "title": "Upah",
        "to": list(to),
        "cc": [],
        "reply_expected": expects,
    }


def _offer(transfer_id: str, to: str) -> dict[str, Any]:
    return {"transfer_id": transfer_id, "to": to, "ground": "MANDATE", "reason": "Asal PMI"}


def _contact(contact_id: str, direction: str, other: str) -> dict[str, Any]:
    contact = {"contact_id": contact_id, "mode": "PHONE", "direction": direction}
    return {**contact, "with": [other], "summary": "-"}


def _promise(
    commitment_id: str, debtor: str, day: str, source: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "commitment_id": commitment_id,
        "debtor": debtor,
        "creditor": "kp2mi",
        "what": "Kirim berkas",
        "due_at": at(f"{day} 12:00").isoformat(),
        **(source or {"source_kind": "OWN", "source_ref": None}),
    }


def _held(day: str) -> dict[str, Any]:
    came = {"kp2mi": "PRESENT", "polri": "DELEGATED", "kbri-kl": "PRESENT", "kemensos": "ABSENT"}
    return {
        "started_at": at(f"{day} 09:00").isoformat(),
        "ended_at": at(f"{day} 11:00").isoformat(),
        "attendance": [{"agency": agency, "status": status} for agency, status in came.items()],
    }
