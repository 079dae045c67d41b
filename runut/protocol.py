"""The coordination protocol: who owes what to whom by when, as data.

Pure: parses the file's text and computes limits. Publishing it is `runut.founding`'s, applying
it the folds'. Source: events.md §6.
"""

from __future__ import annotations

import re
import tomllib
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from runut.calendar import Calendar
from runut.errors import BadFile

CommitmentKind = Literal[
    "VERIFICATION",
    "TRANSFER_ANSWER",
    "LETTER_REPLY",
    "ASSISTANCE_ANSWER",
    "ASSISTANCE_DELIVERY",
    "MINUTES",
    "FINE_PAYMENT",
    "CLAUSE",
    "PROMISE",
]
Span = Literal["wd", "h"]

_LIMIT: Final = re.compile(r"([1-9][0-9]{0,3})(wd|h)")


class Limit(msgspec.Struct, frozen=True):
    """A length of time: so many working days (`wd`) or hours (`h`)."""

    amount: int
    span: Span

    def after(self, moment: datetime, calendar: Calendar, timezone: ZoneInfo) -> datetime:
        """When it ends, counted from a moment (UTC)."""
        if self.span == "h":
            return moment + timedelta(hours=self.amount)
        return calendar.end_of_nth_working_day(moment, self.amount, timezone)

    def __str__(self) -> str:
        return f"{self.amount}{self.span}"


class _LetterLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    IMMEDIATE: str
    URGENT: str
    NORMAL: str


class _Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    VERIFICATION: str
    TRANSFER_ANSWER: str
    ASSISTANCE_ANSWER: str
    ASSISTANCE_ANSWER_EMERGENCY: str
    ASSISTANCE_DELIVERY: str
    MINUTES: str
    FINE_PAYMENT: str
    LETTER_REPLY: _LetterLimits


class Reminders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long before a limit the debtor is reminded."""

    before: tuple[str, ...] = ()


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ladder's steps: working days between level 1 and level 2."""

    days_between_levels: int = 3


class MeetingSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meeting that has to recur: its cadence and its members."""

    series: str
    title: str
    every_days: int
    members: tuple[str, ...]


class _ProtocolFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    timezone: str
    limits: _Limits
    default_arbiter: str | None = None
    consents: dict[str, tuple[str, ...]] = {}
    reminders: Reminders = Reminders()
    escalation: Escalation = Escalation()
    meeting_series: tuple[MeetingSeries, ...] = ()


class Protocol:
    """One version of the protocol, ready to compute due dates with."""

    def __init__(self, text: str) -> None:
        """Parse a protocol file's text.

        Raises:
            BadFile: naming what is wrong in it.
        """
        file = _parse(text)
        self.version = file.version
        self.timezone = _timezone(file.timezone)
        self.default_arbiter = file.default_arbiter
        self.consents = {what: frozenset(who) for what, who in file.consents.items()}
        self.reminders = tuple(parse_limit("reminders.before", it) for it in file.reminders.before)
        self.escalation = file.escalation
        self.meeting_series = file.meeting_series
        self._limits = _limits_by_key(file.limits)

    def limit(self, kind: CommitmentKind, variant: str | None = None) -> Limit:
        """The limit of a kind of commitment; `variant` is the letter's urgency or EMERGENCY."""
        return self._limits.get((kind, variant)) or self._limits[(kind, None)]


def parse_limit(name: str, text: str) -> Limit:
    """`3wd` or `24h`.

    Raises:
        BadFile: if it is neither.
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise BadFile(name, "a limit such as 3wd (working days) or 24h (hours)", text)
    return Limit(int(match[1]), "wd" if match[2] == "wd" else "h")


def _parse(text: str) -> _ProtocolFile:
    try:
        return msgspec.convert(tomllib.loads(text), _ProtocolFile)
    except tomllib.TOMLDecodeError as error:
        raise BadFile("protocol", "TOML", str(error)) from None
    except msgspec.ValidationError as error:
        raise BadFile("protocol", "the fields of a protocol file", str(error)) from None


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise BadFile("protocol.timezone", "a time zone such as Asia/Jakarta", name) from None


def _limits_by_key(limits: _Limits) -> dict[tuple[CommitmentKind, str | None], Limit]:
    letters = limits.LETTER_REPLY
    texts: dict[tuple[CommitmentKind, str | None], str] = {
        ("VERIFICATION", None): limits.VERIFICATION,
        ("TRANSFER_ANSWER", None): limits.TRANSFER_ANSWER,
        ("LETTER_REPLY", "IMMEDIATE"): letters.IMMEDIATE,
        ("LETTER_REPLY", "URGENT"): letters.URGENT,
        ("LETTER_REPLY", None): letters.NORMAL,
        ("ASSISTANCE_ANSWER", None): limits.ASSISTANCE_ANSWER,
        ("ASSISTANCE_ANSWER", "EMERGENCY"): limits.ASSISTANCE_ANSWER_EMERGENCY,
        ("ASSISTANCE_DELIVERY", None): limits.ASSISTANCE_DELIVERY,
        ("MINUTES", None): limits.MINUTES,
        ("FINE_PAYMENT", None): limits.FINE_PAYMENT,
    }
    return {key: parse_limit(f"limits.{key[0]}", text) for key, text in texts.items()}
