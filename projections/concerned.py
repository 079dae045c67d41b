"""Whom an event concerns: who gets a notice of it.

Pure. An agency is not told of its own acts, and the ledger's own agency (kind SYSTEM) of nothing.
Debtors are reminded before a limit by `consumers.reminders`, which needs no event for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from projections.notices import Notice, NoticeKind
from runut.directory import Directory
from runut.event_ids import ids_of

Data = Mapping[str, Any]
"""An event's payload in the JSON form."""


class News(NamedTuple):
    """An effective event as the history has it."""

    subject: str
    event_id: str
    type: str
    agency: str
    recorded_at: datetime
    data: Data


class Owed(NamedTuple):
    """A commitment as it stands."""

    debtor: str
    creditor: str
    due_at: datetime | None


Commitments = Mapping[tuple[str, str], Owed]
"""By subject and commitment_id."""


class Concern(NamedTuple):
    """Something that an event tells somebody."""

    agency: str | None
    """None stands for all whom a breach of the commitment concerns."""
    kind: NoticeKind
    about: str
    commitment_id: str | None
    """What is owed with it, if anything is."""


def commitments_of(news: News) -> list[str]:
    """Ids of the commitments that `notices_of` has to know for an event."""
    concerns = _CONCERNS[news.type](news.data)
    return [one.commitment_id for one in concerns if one.commitment_id is not None]


def notices_of(news: News, commitments: Commitments, directory: Directory) -> Iterator[Notice]:
    """The notices of an event of a concerning type, one for each agency that it concerns."""
    for concern in _CONCERNS[news.type](news.data):
        owed = commitments.get((news.subject, concern.commitment_id or ""))
        for agency in _agencies(concern, owed, directory):
            if agency != news.agency and _can_be_told(agency, directory):
                yield Notice(
                    notice_id=_notice_id(directory, concern.kind, news, agency),
                    agency=agency,
                    kind=concern.kind,
                    subject=news.subject,
                    about=concern.about,
                    due_at=owed.due_at if owed else None,
                    made_at=news.recorded_at,
                )


def _letter(data: Data) -> Iterator[Concern]:
    letter_id = data["letter_id"]
    for to in data["to"]:
        yield Concern(to, "LETTER", letter_id, f"LETTER_REPLY:{letter_id}:{to}")


def _offer(data: Data) -> Iterator[Concern]:
    transfer_id, to = data["transfer_id"], data["to"]
    yield Concern(to, "OFFER", transfer_id, f"TRANSFER_ANSWER:{transfer_id}:{to}")


def _escalated_transfer(data: Data) -> Iterator[Concern]:
    yield Concern(data["arbiter"], "ESCALATION", data["transfer_id"], None)


def _escalation(data: Data) -> Iterator[Concern]:
    yield Concern(data["to"], "ESCALATION", data["commitment_id"], data["commitment_id"])


def _breach(data: Data) -> Iterator[Concern]:
    yield Concern(None, "BREACH", data["commitment_id"], data["commitment_id"])


_CONCERNS: Final[dict[str, Callable[[Data], Iterator[Concern]]]] = {
    "LetterSent": _letter,
    "TransferOffered": _offer,
    "TransferEscalated": _escalated_transfer,
    "EscalationRaised": _escalation,
    "CommitmentBreached": _breach,
}
"""What each type tells; commitments' ids are those of events.md §5."""

CONCERNING: Final = tuple(_CONCERNS)
"""The types of event that somebody gets a notice of."""


def _agencies(concern: Concern, owed: Owed | None, directory: Directory) -> list[str]:
    if concern.agency is not None:
        return [concern.agency]
    if owed is None:
        return []
    concerned = (owed.debtor, owed.creditor, _superior(owed.debtor, directory))
    return sorted({agency for agency in concerned if agency is not None})


def _superior(code: str, directory: Directory) -> str | None:
    agency = directory.agency(code)
    return agency.escalates_to if agency else None


def _can_be_told(code: str, directory: Directory) -> bool:
    """A creditor may be a whole meeting, which has no mailbox."""
    agency = directory.agency(code)
    return agency is not None and agency.kind != "SYSTEM"


def _notice_id(directory: Directory, kind: NoticeKind, news: News, agency: str) -> str:
    """The same for the same event and addressee, in each ledger another (RFC 9562 §5.5)."""
    return ids_of(directory).of(kind, news.subject, news.agency, news.event_id, agency)
