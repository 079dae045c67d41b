"""Events on meeting/: how agencies meet, and what they decide.

Made from the schemas by `python tools/typed_events.py`; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

from runut.events.shared import Attachment, Items
from runut.typed_event import TypedEvent


class MeetingCancelled(TypedEvent, frozen=True, kw_only=True):
    """The meeting will not take place (rapat dibatalkan)."""

    reason: str
    """Why (alasan)."""


AttendanceStatus = Literal["PRESENT", "DELEGATED", "EXCUSED", "ABSENT"]
"""Presence (kehadiran): present (hadir), delegated (diwakilkan), excused (izin), absent (tidak
hadir).
"""


class Attendance(msgspec.Struct, frozen=True, kw_only=True):
    """One agency's presence at a meeting (kehadiran)."""

    agency: str
    """Code of the agency (instansi)."""
    officer_role: str | None = None
    """Role of its representative, never a name (jabatan wakil)."""
    status: AttendanceStatus
    """Whether it was present (kehadiran)."""


class MeetingHeld(TypedEvent, frozen=True, kw_only=True):
    """The meeting took place (rapat dilaksanakan)."""

    started_at: datetime.datetime
    """When it started (waktu mulai)."""
    ended_at: datetime.datetime
    """When it ended (waktu selesai)."""
    attendance: Items[Attendance] = ()
    """Who took part (daftar hadir)."""


MeetingMode = Literal["IN_PERSON", "ONLINE", "HYBRID"]
"""Mode of a meeting (cara): in person (tatap muka), online (daring), hybrid (luring dan daring)."""


class MeetingScheduled(TypedEvent, frozen=True, kw_only=True):
    """A coordination meeting is called (rapat koordinasi)."""

    title: str
    """Title of the meeting (acara)."""
    series: str | None = None
    """Series that it belongs to (seri rapat)."""
    starts_at: datetime.datetime
    """When it is to start (waktu mulai)."""
    mode: MeetingMode
    """Mode (cara)."""
    chair: str
    """Code of the agency that chairs (pimpinan rapat)."""
    invitees: Items[str] = ()
    """Codes of the agencies invited (undangan)."""
    agenda: Items[str] = ()
    """Items of the agenda (agenda)."""
    cases: Items[str] = ()
    """Subjects of the cases to be discussed (kasus yang dibahas)."""


class MinutesAdopted(TypedEvent, frozen=True, kw_only=True):
    """The minutes were adopted (notula disahkan)."""

    minutes: Attachment
    """The minutes (notula)."""
    adopters: Items[str] = ()
    """Codes of the agencies that adopted them (penyetuju)."""
