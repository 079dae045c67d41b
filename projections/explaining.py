"""Why a commitment is due when it is: rule, version, and the calendar's days that moved it.

Pure. A due date is set once, by what its event knew: the protocol in force and the calendars
announced before it (events.md §2, §6). What the calendars of today would make of the same rule is
told beside it and moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from projections.folds.agreement_state import AgreementState
from projections.folds.rows import Commitment
from projections.folds.subject import Directories, Entry, FoldedSubject, fold_subject
from projections.portraits import Document
from runut.calendar import Calendar, CalendarDay, local_time
from runut.directory import Directory
from runut.errors import NotFound, shorten
from runut.event import Recorded
from runut.protocol import Limit, parse_limit
from runut.rfc3339 import format_time


class Known(NamedTuple):
    """A due date as some directory has it, with the entries of its calendars that moved it."""

    due_at: datetime | None
    skipped: Sequence[CalendarDay] = ()


class Reason(msgspec.Struct, frozen=True):
    """What gave a due date: the protocol, an agreement's clause, or the event itself."""

    given_by: Literal["PROTOCOL", "CLAUSE", "EVENT"] | None
    then: Known
    now: Known
    version: str | None = None
    limit: str | None = None
    counted_from: datetime | None = None
    timezone: str | None = None


class Setting(NamedTuple):
    """A commitment as it was when its present due date was set, and the event that did."""

    commitment: Commitment
    event: Recorded


def explain(
    records: Sequence[Recorded], commitment_id: str, directories: Directories, latest: Directory
) -> Document:
    """The due date of a commitment, as known when it was set and as `latest` would have it.

    `records` is the whole history of its subject. `given_by` is null where nothing is due.
    `skipped` holds the entries of the calendar that make the count differ from one of Mondays to
    Fridays: days off that fall on these, and WORKING days that do not.

    Raises:
        NotFound: the subject has no such commitment.
    """
    folded = fold_subject(records, directories)
    setting = last_setting(folded.entries, commitment_id)
    if setting is None:
        subject = records[0].event.subject
        raise NotFound(f"commitment {shorten(commitment_id)}", f"expected one of {subject}")
    reason = _reason(setting, folded, directories, latest)
    return _document(setting, reason)


def last_setting(entries: Sequence[Entry], commitment_id: str) -> Setting | None:
    """What set the present due date: the opening, an extension, the upholding of a fine."""
    found: Setting | None = None
    for entry in entries:
        written = (row for row in entry.folded.rows.values() if isinstance(row, Commitment))
        for row in written:
            is_it = row.commitment_id == commitment_id
            if is_it and (found is None or _term(row) != _term(found.commitment)):
                found = Setting(row, entry.recorded)
    return found


def _term(commitment: Commitment) -> tuple[object, ...]:
    """Another whenever a due date is set, were it to the same moment."""
    return commitment.due_at, commitment.due_recorded_at, commitment.source_event


def _reason(
    setting: Setting, folded: FoldedSubject, directories: Directories, latest: Directory
) -> Reason:
    commitment, event = setting
    if commitment.rule is not None:
        return _by_protocol(commitment.rule, event, directories(event.directory_offset), latest)
    is_opening = event.event.event_id == commitment.source_event
    if commitment.kind == "CLAUSE" and is_opening and isinstance(folded.state, AgreementState):
        return _by_clause(commitment, folded.entries, folded.state)
    given = Known(commitment.due_at)
    return Reason("EVENT" if commitment.due_at else None, given, given)


def _by_protocol(rule: str, event: Recorded, then: Directory, now: Directory) -> Reason:
    """By a rule such as `pmi-1 TRANSFER_ANSWER 3wd`, in the time zone of its version."""
    version, _, limit = rule.rsplit(" ", 2)
    at = event.event.occurred_at
    protocol = then.protocol_at(at)
    if protocol is None:
        raise LookupError(f"rule {rule}: no protocol was in force at {at}")
    counted = parse_limit("rule", limit), at, protocol.timezone
    return Reason(
        "PROTOCOL",
        _counted(*counted, then.calendar),
        _counted(*counted, now.calendar),
        version,
        limit,
        at,
        protocol.timezone.key,
    )


def _counted(limit: Limit, at: datetime, timezone: ZoneInfo, calendar: Calendar) -> Known:
    due_at = limit.after(at, calendar, timezone)
    if limit.span == "h":
        return Known(due_at)
    first, last = (local_time(moment, timezone).date() for moment in (at, due_at))
    return Known(due_at, calendar.exceptions(first, last))


def _by_clause(
    commitment: Commitment, entries: Sequence[Entry], agreement: AgreementState
) -> Reason:
    """By the n-th period of a clause: calendar days, counted from the last signature."""
    clause_id, _, n = commitment.source.rpartition("#")
    first = last_setting(entries, f"CLAUSE:{clause_id}#1:{commitment.debtor}")
    signed_at = first.event.event.occurred_at if first else None
    every_days = next(
        clause.every_days
        for clause in agreement.clauses
        if (clause.clause_id, clause.debtor) == (clause_id, commitment.debtor) and clause.every_days
    )
    due = Known(commitment.due_at)
    limit = f"{int(n) * every_days}d"
    return Reason("CLAUSE", due, due, None, limit, signed_at, agreement.timezone)


def _document(setting: Setting, reason: Reason) -> Document:
    commitment, event = setting
    return {
        "commitment_id": commitment.commitment_id,
        "subject": commitment.subject,
        "due_at": _time(commitment.due_at),
        "given_by": reason.given_by,
        "set_by": {
            "event_id": event.event.event_id,
            "type": event.event.type,
            "agency": event.event.agency,
            "occurred_at": _time(event.event.occurred_at),
        },
        "protocol_version": reason.version,
        "limit": reason.limit,
        "counted_from": _time(reason.counted_from),
        "timezone": reason.timezone,
        "as_known_then": {"directory_offset": event.directory_offset, **_known(reason.then)},
        "as_known_now": _known(reason.now),
        "differs": reason.then.due_at != reason.now.due_at,
    }


def _known(known: Known) -> Document:
    skipped = [msgspec.to_builtins(day) for day in known.skipped]
    return {"due_at": _time(known.due_at), "skipped": skipped}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
