"""Rules of letters, contacts and decisions on a case.

Pure (events.md §4, `case/`). A letter that expects a reply makes each addressee owe one.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from projections.folds.case_state import CaseFolding, only_custodian, with_agency, without_agency
from projections.folds.folding import (
    Codes,
    Folding,
    Needs,
    Rule,
    is_blank,
    sorted_set,
)
from projections.folds.obligations import fulfil, limit_of, open_commitment
from projections.folds.rows import Contact, Decision, Letter
from runut.event import Event


def _letter(folding: CaseFolding) -> Letter:
    return folding.get(Letter, folding.data["letter_id"])


def _needs_letter(event: Event) -> Needs:
    return Needs(((Letter, event.data["letter_id"]),))


def _needs_letter_and_replies(event: Event) -> Needs:
    letter_id = event.data["letter_id"]
    return Needs(((Letter, letter_id),), (letter_id,))


def _sent_guard(folding: CaseFolding) -> Codes:
    if folding.find(Letter, folding.data["letter_id"]) is not None:
        yield "ALREADY_EXISTS"


def _sent(folding: CaseFolding) -> None:
    data = folding.data
    letter = Letter(
        subject=folding.subject,
        letter_id=data["letter_id"],
        sender=folding.agency,
        number=data["number"],
        dated=data["dated"],
        doc_type=data["doc_type"],
        urgency=data["urgency"],
        title=data["title"],
        to_agencies=sorted_set(data["to"]),
        cc_agencies=sorted_set(data["cc"]),
        reply_expected=data["reply_expected"],
        in_reply_to=data["in_reply_to"],
        sent_at=folding.at,
    )
    folding.put(letter)
    if letter.reply_expected:
        due_at, rule = data["reply_due_at"], None
        if due_at is None:
            due_at, rule = limit_of(folding, "LETTER_REPLY", letter.urgency)
        for addressee in letter.to_agencies:
            open_commitment(
                folding,
                "LETTER_REPLY",
                letter.letter_id,
                addressee,
                letter.sender,
                letter.title,
                due_at=due_at,
                rule=rule,
                variant=letter.urgency,
            )


def _addressee_guard(folding: CaseFolding) -> Codes:
    return _only_addressee(folding, folding.find(Letter, folding.data["letter_id"]))


def _only_addressee(folding: CaseFolding, letter: Letter | None) -> Codes:
    if letter is None:
        yield "NO_SUCH_REFERENCE"
    elif folding.agency not in letter.to_agencies:
        yield "NOT_ADDRESSEE"


def _received(folding: CaseFolding) -> None:
    letter = _letter(folding)
    folding.put(replace(letter, received_by=with_agency(letter.received_by, folding.agency)))


def _disposed(folding: CaseFolding) -> None:
    letter = _letter(folding)
    folding.put(replace(letter, disposed_by=with_agency(letter.disposed_by, folding.agency)))


def _answered_guard(folding: CaseFolding) -> Codes:
    letter = folding.find(Letter, folding.data["letter_id"])
    yield from _only_addressee(folding, letter)
    if letter is None:
        return
    if folding.agency in letter.settled_by:
        yield "ALREADY_SETTLED"
    if folding.data["answer"] == "DECLINED" and is_blank(folding.data["reason"]):
        yield "REASON_REQUIRED"


def _answered(folding: CaseFolding) -> None:
    if folding.data["answer"] == "PARTIAL":
        return
    letter = _letter(folding)
    folding.put(replace(letter, settled_by=with_agency(letter.settled_by, folding.agency)))
    fulfil(folding, f"LETTER_REPLY:{letter.letter_id}:{folding.agency}")


def _reminded_guard(folding: CaseFolding) -> Codes:
    letter = folding.find(Letter, folding.data["letter_id"])
    if letter is None:
        yield "NO_SUCH_REFERENCE"
    elif folding.agency != letter.sender:
        yield "NOT_SENDER"


def _reminded(folding: CaseFolding) -> None:
    letter = _letter(folding)
    folding.put(replace(letter, reminders=letter.reminders + 1))


def _contact_guard(folding: CaseFolding) -> Codes:
    if folding.find(Contact, folding.data["contact_id"]) is not None:
        yield "ALREADY_EXISTS"


def _contact_logged(folding: CaseFolding) -> None:
    data = folding.data
    contact = Contact(
        subject=folding.subject,
        contact_id=data["contact_id"],
        agency=folding.agency,
        mode=data["mode"],
        direction=data["direction"],
        with_agencies=sorted_set(data["with"]),
        summary=data["summary"],
        duration_s=data["duration_s"],
        logged_at=folding.at,
    )
    folding.put(contact)


def _acknowledged_guard(folding: CaseFolding) -> Codes:
    contact = folding.find(Contact, folding.data["contact_id"])
    if contact is None:
        yield "NO_SUCH_REFERENCE"
    elif folding.agency not in contact.with_agencies:
        yield "NOT_ADDRESSEE"


def _acknowledged(folding: CaseFolding) -> None:
    """The latest word of each agency stands: it agrees with the record, or disputes it."""
    contact, agency = folding.get(Contact, folding.data["contact_id"]), folding.agency
    agreed, disputed = contact.agreed_by, contact.disputed_by
    if folding.data["agrees"]:
        agreed, disputed = with_agency(agreed, agency), without_agency(disputed, agency)
    else:
        agreed, disputed = without_agency(agreed, agency), with_agency(disputed, agency)
    folding.put(replace(contact, agreed_by=agreed, disputed_by=disputed))


def _needs_contact(event: Event) -> Needs:
    return Needs(((Contact, event.data["contact_id"]),))


def decision_is_new(folding: Folding[Any]) -> Codes:
    """Guard of DecisionRecorded on every subject: its id is unused."""
    if folding.find(Decision, folding.data["decision_id"]) is not None:
        yield "ALREADY_EXISTS"


def record_decision(folding: Folding[Any]) -> None:
    """Effect of DecisionRecorded on every subject."""
    data = folding.data
    decision = Decision(
        subject=folding.subject,
        decision_id=data["decision_id"],
        meeting=data["meeting"],
        agency=folding.agency,
        text=data["text"],
        adopters=sorted_set(data["adopters"]),
        follow_up=data["follow_up"],
        decided_at=folding.at,
    )
    folding.put(decision)


def _decision_guard(folding: CaseFolding) -> Codes:
    yield from only_custodian(folding)
    yield from decision_is_new(folding)


def needs_decision(event: Event) -> Needs:
    """The decision that an event records."""
    return Needs(((Decision, event.data["decision_id"]),))


RULES: Final = {
    "LetterSent": Rule(_sent_guard, _sent, _needs_letter_and_replies),
    "LetterReceived": Rule(_addressee_guard, _received, _needs_letter),
    "LetterDisposed": Rule(_addressee_guard, _disposed, _needs_letter),
    "LetterAnswered": Rule(_answered_guard, _answered, _needs_letter_and_replies),
    "LetterReminded": Rule(_reminded_guard, _reminded, _needs_letter),
    "ContactLogged": Rule(_contact_guard, _contact_logged, _needs_contact),
    "ContactAcknowledged": Rule(_acknowledged_guard, _acknowledged, _needs_contact),
    "DecisionRecorded": Rule(_decision_guard, record_decision, needs_decision),
}
