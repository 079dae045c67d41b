"""The words of the ledger: an event, its place in the log, subjects and ids.

Pure types. How an event looks as bytes is `runut.codec`, as JSON `runut.json_form`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, Literal, NewType

import msgspec
from msgspec.structs import force_setattr

from runut.native import IS_USED

if IS_USED:
    from runut.native import event_attributes

AgencyCode = NewType("AgencyCode", str)
EventId = NewType("EventId", str)
Subject = NewType("Subject", str)

SubjectKind = Literal[
    "case", "meeting", "agreement", "agent", "programme", "agency", "ledger", "directory"
]
Verdict = Literal["EFFECTIVE", "IRREGULAR", "DUPLICATE", "CORRECTED"]
SignatureStatus = Literal[
    "VALID",
    "UNSIGNED",  # no signature, in a ledger that requires none
    "UNKNOWN_AGENCY",  # nobody's key to check it with
    "MISSING",
    "KEY_UNKNOWN",
    "KEY_REVOKED",
    "INVALID",
]

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
AGENCY_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
SYSTEM: Final = AgencyCode("runut")
"""The agency of kind SYSTEM whose key signs what the ledger itself says."""
UUID_PATTERN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
AUTHENTIC: Final = frozenset({"VALID", "UNSIGNED"})
"""Signature statuses with which agency and signature are in order."""
# Kinds that agencies' events are about; the others live in the directory and its markers.
LEDGER_KINDS: Final = frozenset({"case", "meeting", "agreement", "agent", "programme"})


def take_from_meta(event: Event) -> None:
    """Set the attributes of a new event that are its meta's own values."""
    meta = event.meta
    force_setattr(event, "event_id", meta["event_id"])
    force_setattr(event, "subject", meta["subject"])
    force_setattr(event, "agency", meta["agency"])
    force_setattr(event, "occurred_at", meta["occurred_at"])


class Event(msgspec.Struct, frozen=True, gc=False):
    """One past fact that an agency published (events.md §1).

    `data` holds the payload as Python values: aware UTC datetimes, dates, Decimals, bytes,
    str, int, bool, lists and dicts; absent nullable fields are None.
    """

    type: str
    meta: dict[str, Any]
    data: dict[str, Any]
    # What every reader asks for again and again; always meta's own values.
    event_id: EventId = EventId("")
    """The emitter's id: the same id sent again is the same event."""
    subject: Subject = Subject("")
    """The stream it belongs to, such as `case/X`."""
    agency: AgencyCode = AgencyCode("")
    """Code of the emitting agency."""
    occurred_at: datetime = datetime.min.replace(tzinfo=UTC)
    """When it happened, as the agency says (UTC)."""

    # Whatever was given: `replace(event, meta=…)` hands on those of the old meta.
    __post_init__ = event_attributes.take_from_meta if IS_USED else take_from_meta  # type: ignore[misc]


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An event with its place in the log: everything that its verdict depends on."""

    event: Event
    partition: int
    offset: int
    recorded_at: datetime
    directory_offset: int
    """Last directory record announced before it in its partition; -1 where none was."""
    signature: SignatureStatus
    schema_id: int
    body: bytes
    """The Avro body, as it was read."""
    content: bytes
    """A hash of type and body: whether a repeated event_id says something else."""

    @property
    def is_authentic(self) -> bool:
        """Whether agency and signature are in order: only then does its event_id count as seen."""
        return self.signature in AUTHENTIC


def subject_kind(subject: str) -> str:
    """`case` of `case/X`: what stands before the first slash."""
    return subject.partition("/")[0]


def subject_id(subject: str) -> str:
    """`X` of `case/X`."""
    return subject.partition("/")[2]


def is_subject(subject: str) -> bool:
    """Whether it is KIND/ID with a ledger kind and an id of 1-80 allowed characters."""
    kind, _, ident = subject.partition("/")
    return kind in LEDGER_KINDS and ID_PATTERN.fullmatch(ident) is not None
