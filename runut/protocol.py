"""The coordination protocol: who owes what to whom by when, as data.

Pure: parses the file's text and computes limits. `ProtocolFile` is the one definition of what a
file may hold: `protocols/protocol.schema.json` is made from it. Whether a file contradicts itself
or the directory says `runut.protocol_check`, and only before it is published: what is in the log
counts as soon as it is well-formed. Source: events.md §6.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from runut.calendar import Calendar
from runut.errors import BadFile
from runut.event import AGENCY_PATTERN

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


# A description says what is expected there, a title what it is about: errors use the first.
LimitText = Annotated[
    str,
    Meta(
        pattern="^[1-9][0-9]{0,3}(wd|h)$",
        description="a limit such as 3wd (working days) or 24h (hours)",
    ),
]
Code = Annotated[
    str,
    Meta(
        pattern=f"^{AGENCY_PATTERN.pattern}$",
        description="the code of an agency, such as kp2mi",
    ),
]
Text = Annotated[str, Meta(pattern=r"\S", description="text that is not blank")]
Days = Annotated[int, Meta(ge=1, le=9999, description="a number of days from 1 to 9999")]


class LetterLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the reply to a letter may take, by the letter's urgency."""

    IMMEDIATE: Annotated[LimitText, Meta(title="sangat segera")]
    URGENT: Annotated[LimitText, Meta(title="segera")]
    NORMAL: Annotated[LimitText, Meta(title="biasa")]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each kind of commitment may take."""

    VERIFICATION: Annotated[LimitText, Meta(title="the custodian verifies a report")]
    TRANSFER_ANSWER: Annotated[LimitText, Meta(title="the addressee of an offered case answers")]
    ASSISTANCE_ANSWER: Annotated[LimitText, Meta(title="the provider says whether it will help")]
    ASSISTANCE_ANSWER_EMERGENCY: Annotated[LimitText, Meta(title="the same in an emergency")]
    ASSISTANCE_DELIVERY: Annotated[LimitText, Meta(title="the provider helps")]
    MINUTES: Annotated[LimitText, Meta(title="the chair has the minutes adopted")]
    FINE_PAYMENT: Annotated[LimitText, Meta(title="a fine is paid")]
    LETTER_REPLY: LetterLimits


class Consents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose consent the closing of a case needs, by what the case is."""

    TRAFFICKING: tuple[Code, ...] = ()


class Reminders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long before a limit the debtor is reminded."""

    before: tuple[LimitText, ...] = ()


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ladder's steps: working days between level 1 and level 2."""

    days_between_levels: Days = 3


class MeetingSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meeting that has to recur: its cadence and its members."""

    series: Annotated[Text, Meta(title="its name in MeetingScheduled")]
    title: Text
    every_days: Annotated[Days, Meta(title="calendar days from one meeting to the next")]
    members: Annotated[
        tuple[Code, ...], Meta(min_length=1, description="the codes of at least one agency")
    ]
    chair: Annotated[
        Code | None, Meta(title="who calls it", description="the code of an agency")
    ] = None
    starts: Annotated[
        date | None, Meta(title="the first day it is due", description="a date such as 2026-01-31")
    ] = None
    tolerance_days: Annotated[
        int,
        Meta(ge=0, le=9999, title="how late it may be", description="days from 0 to 9999"),
    ] = 0


class ProtocolFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A coordination protocol of Runut: who owes what to whom by when."""

    version: Annotated[Text, Meta(title="its name; another text takes another one")]
    timezone: Annotated[
        Text,
        Meta(title="in which days end", description="a time zone such as Asia/Jakarta"),
    ]
    limits: Limits
    default_arbiter: Annotated[
        Code | None,
        Meta(
            title="who rules when two offers of a case in a row were refused or lapsed",
            description="the code of an agency",
        ),
    ] = None
    consents: Consents = Consents()
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
        self.text = text
        self.version = file.version
        self.timezone = parse_timezone(file.timezone)
        self.default_arbiter = file.default_arbiter
        self.consents = {"TRAFFICKING": frozenset(file.consents.TRAFFICKING)}
        self.reminders = tuple(parse_limit("reminders.before", it) for it in file.reminders.before)
        self.escalation = file.escalation
        self.meeting_series = file.meeting_series
        self._limits = _limits_by_key(file.limits)

    def limit(self, kind: CommitmentKind, variant: str | None = None) -> Limit:
        """The limit of a kind of commitment; `variant` is the letter's urgency or EMERGENCY."""
        return self._limits.get((kind, variant)) or self._limits[(kind, None)]


def protocol_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a protocol file, as `protocols/` publishes it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:runut:protocol",
        **msgspec.json.schema(ProtocolFile),
    }


def parse_limit(name: str, text: str) -> Limit:
    """`3wd` or `24h`.

    Raises:
        BadFile: if it is neither.
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise BadFile(name, "a limit such as 3wd (working days) or 24h (hours)", text)
    return Limit(int(match[1]), "wd" if match[2] == "wd" else "h")


def parse_timezone(name: str) -> ZoneInfo:
    """`Asia/Jakarta`.

    Raises:
        BadFile: there is no such time zone.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise BadFile("protocol.timezone", "a time zone such as Asia/Jakarta", name) from None


def _parse(text: str) -> ProtocolFile:
    try:
        return msgspec.convert(tomllib.loads(text), ProtocolFile)
    except msgspec.ValidationError as error:
        raise BadFile("protocol", "the fields of a protocol file", str(error)) from None
    except RecursionError:
        found = "more brackets within brackets than are read"
        raise BadFile("protocol", "TOML", found) from None
    except ValueError as error:  # thousands of digits, too
        raise BadFile("protocol", "TOML", str(error)) from None


def _limits_by_key(limits: Limits) -> dict[tuple[CommitmentKind, str | None], Limit]:
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
