"""Publish the rules of a founded ledger: protocols, and calendars of working days.

Owns what has to be written so that the directory says what a file says; what it says already is
not written again. What a file may say is `runut.protocol_check`'s and `runut.calendar_file`'s.
Nothing that was due before changes: an event is judged by what was announced before it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec
from msgspec import structs

from runut.calendar import CalendarDay, YearCalendar
from runut.calendar_file import read_calendar_file
from runut.directory import Directory
from runut.directory_writer import DirectoryWriter
from runut.errors import BadFile
from runut.founding import LAST_MOMENT, protocol_payload
from runut.keystore import KeyStore
from runut.protocol_check import Known, check_protocol
from runut.settings import Settings


class CalendarChange(msgspec.Struct, frozen=True):
    """What another calendar changes for a year."""

    is_new: bool
    """Whether it says anything else than the one before."""
    added: tuple[CalendarDay, ...]
    removed: tuple[CalendarDay, ...]

    @classmethod
    def between(cls, before: YearCalendar | None, after: YearCalendar) -> Self:
        """The change; days are the same where date and kind are."""
        old = {(day.date, day.kind): day for day in (before.days if before else ())}
        new = {(day.date, day.kind): day for day in after.days}
        is_new = before is None or old != new or before.basis != after.basis
        added, removed = new.keys() - old.keys(), old.keys() - new.keys()
        return cls(
            is_new,
            tuple(new[key] for key in sorted(added)),
            tuple(old[key] for key in sorted(removed)),
        )


async def publish_protocol(
    settings: Settings, path: Path, effective_from: datetime | None = None
) -> bool:
    """Publish a protocol file, in force from now by default; False where it says nothing new.

    Raises:
        BadFile: `runut.protocol_check` finds an error in it.
        LedgerMismatch: no ledger is founded, or its root key is not here.
        Unreachable: no broker answers.
    """
    text = read_text(path)
    async with DirectoryWriter(settings, KeyStore(settings.keys)) as writer:
        directory = writer.directory
        _demand_sound(text, path, directory)
        if _is_in_force(text, effective_from, directory):
            return False
        payload = protocol_payload(text, effective_from or datetime.now(UTC))
        subject = f"ledger/{writer.ledger.name}"
        await writer.publish([writer.compose("ProtocolPublished", subject, payload)])
        return True


async def publish_calendar(
    settings: Settings, path: Path, *, allow_removal: bool = False
) -> CalendarChange:
    """Publish a calendar file in place of the year's calendar; gives what it changed.

    Raises:
        BadFile: it is no calendar file, or leaves out days that were published without
            `allow_removal`: a calendar replaces the one before.
        LedgerMismatch: no ledger is founded, or its root key is not here.
        Unreachable: no broker answers.
    """
    calendar = read_calendar_file(path)
    async with DirectoryWriter(settings, KeyStore(settings.keys)) as writer:
        before = writer.directory.calendar_of(calendar.year)
        change = CalendarChange.between(before, calendar)
        if change.removed and not allow_removal:
            days = ", ".join(f"{day.date} {day.kind}" for day in change.removed)
            expected = "every day of the calendar that it replaces (or --allow-removal)"
            raise BadFile(str(path), expected, f"it without {days}")
        if change.is_new:
            payload = {**structs.asdict(calendar), "days": list(map(structs.asdict, calendar.days))}
            subject = f"ledger/{writer.ledger.name}"
            await writer.publish([writer.compose("CalendarPublished", subject, payload)])
        return change


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        BadFile: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(str(path), "a readable file", error.strerror) from None
    except UnicodeDecodeError:
        raise BadFile(str(path), "UTF-8 text", "other bytes") from None


def _demand_sound(text: str, path: Path, directory: Directory) -> None:
    findings = check_protocol(text, Known.of(directory))
    errors = [one for one in findings if one.severity == "ERROR"]
    if errors:
        first, more = errors[0], len(errors) - 1
        also = f"; {more} more, see: runut protocol check {path}" if more else ""
        place = f"{first.path} in {path}" if first.path else str(path)
        raise BadFile(place, first.expected, first.found + also)


def _is_in_force(text: str, effective_from: datetime | None, directory: Directory) -> bool:
    if effective_from is None:
        latest = directory.protocol_at(LAST_MOMENT)
        return latest is not None and latest.text == text
    return any(
        (one.protocol.text, one.effective_from) == (text, effective_from)
        for one in directory.protocols
    )
