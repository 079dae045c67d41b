"""Text that looks like personal data, where an event may say anything (events.md §1, `PersonRef`).

Pure. Owns what such text looks like: national identity numbers (NIK), passports, telephones and
e-mail addresses, and which fields are looked at: all text but ids, codes and numbers of things.
Refuses nothing, and cannot know names: who asks warns, or refuses. What was found is never shown
whole, so that a warning does not spread what it warns of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Literal

import msgspec

from runut.catalogue import catalogue
from runut.event import Event

PersonalDataKind = Literal["NIK", "PASSPORT", "TELEPHONE", "EMAIL"]

Span = tuple[int, int]
Look = Callable[[Any, str, list["Finding"]], None]
"""Look through a value at its place, and add what is found."""

# Fields that name something by its id, code or number. A field that is not here is free text.
NAMES_OF_THINGS: Final = frozenset(
    {
        *("absorbed", "adopters", "agency", "agenda_number", "agreement", "arbiter", "case"),
        *("cases", "cause", "cc", "chair", "code", "country", "creditor", "currency", "custodian"),
        *("debtor", "escalates_to", "in_reply_to", "invitees", "licence", "media_type", "meeting"),
        *("number", "officer_ref", "on_behalf_of", "other", "parties", "provider", "reference"),
        *("secretariat", "sha256", "source_ref", "subject", "survivor", "timezone", "to"),
        *("version", "with"),
    }
)
_ID: Final = "_id"


class Finding(msgspec.Struct, frozen=True):
    """Something in a text that looks like personal data."""

    field: str
    """Where, as in the JSON form: `data.note`, `data.agenda[1]`."""
    kind: PersonalDataKind
    found: str
    """All but its first two characters hidden: `31**************`."""

    def __str__(self) -> str:
        return f"{self.field}: expected no personal data, found what looks like {self.shown}"

    @property
    def shown(self) -> str:
        """Such as `a NIK (31**************)`."""
        return f"{_CALLED[self.kind]} ({self.found})"


def findings(event: Event) -> list[Finding]:
    """What looks like personal data in an event's free text, in the order of its fields."""
    meta, data = _looks_of(event.type)
    found: list[Finding] = []
    meta(event.meta, "", found)
    data(event.data, "data", found)
    return found


def masked(text: str) -> str:
    """The text with everything hidden that looks like personal data: for reports and logs."""
    pieces: list[str] = []
    done = 0
    for _, (start, end) in _looked_through(text):
        if start >= done:
            pieces += text[done:start], _hidden(text[start:end])
            done = end
    return "".join([*pieces, text[done:]])


def _hidden(found: str) -> str:
    return found[:2] + "".join("*" if one.isalnum() else one for one in found[2:])


def _looked_through(text: str) -> list[tuple[PersonalDataKind, Span]]:
    found = [
        (kind, match.span())
        for kind, pattern, holds in _LOOKS
        for match in pattern.finditer(text)
        if holds(match)
    ]
    # Of what overlaps, the longest first.
    return sorted(found, key=lambda one: (one[1][0], -one[1][1]))


def _is_nik(match: re.Match[str]) -> bool:
    """Province, regency and district, date of birth (of women with 40 added to the day), serial."""
    digits = re.sub(r"[^0-9]", "", match[0])
    day, month = int(digits[6:8]), int(digits[8:10])
    day -= 40 if day > 40 else 0
    return (
        int(digits[:2]) in _PROVINCES
        and digits[2:4] != "00"
        and digits[4:6] != "00"
        and 1 <= month <= 12
        and 1 <= day <= _LONGEST[month - 1]
        and digits[12:] != "0000"
    )


def _is_telephone(match: re.Match[str]) -> bool:
    """At home 10 to 13 digits with the 0; with a country code 9 to 15 (ITU-T E.164)."""
    digits = re.sub(r"[^0-9]", "", match[0])
    fewest, most = (10, 13) if match[0].startswith("08") else (9, 15)
    return fewest <= len(digits) <= most


def _is_passport(match: re.Match[str]) -> bool:
    return match["letters"] not in _CURRENCIES


def _always(_: re.Match[str]) -> bool:
    return True


_CALLED: Final[Mapping[PersonalDataKind, str]] = {
    "NIK": "a NIK",
    "PASSPORT": "a passport number",
    "TELEPHONE": "a telephone number",
    "EMAIL": "an e-mail address",
}
# Codes of the provinces by the Ministry of Home Affairs.
_PROVINCES: Final = frozenset(
    {*range(11, 20), 21, *range(31, 37), *range(51, 54), *range(61, 66), *range(71, 77)}
    | {81, 82, *range(91, 98)}
)
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Written before amounts as letters stand before a passport's number.
_CURRENCIES: Final = frozenset({"RP", "RM", "SR", "KD", "BD", "QR", "NT", "HK", "US"})

# Seven digits of one number, or an @. A pattern for both would be tried at each character.
_DIGITS: Final = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,2}[0-9]){6}")
# Apart from what goes on as a number, an id or a letter's number: B1234567/2025, 1.2345.
_BEFORE: Final = r"(?<![A-Za-z0-9])(?<![0-9][.,])"
_AFTER: Final = r"(?![A-Za-z0-9]|[.,/-][0-9])"
_LOOKS: Final[
    tuple[tuple[PersonalDataKind, re.Pattern[str], Callable[[re.Match[str]], bool]], ...]
] = (
    (
        "NIK",
        re.compile(
            rf"{_BEFORE}(?:[0-9]{{16}}|[0-9]{{4}}(?:[ -][0-9]{{4}}){{3}}"
            r"|[0-9]{6}[ .-][0-9]{6}[ .-][0-9]{4}"
            rf"|[0-9]{{2}}[.][0-9]{{2}}[.][0-9]{{2}}[.][0-9]{{6}}[.][0-9]{{4}}){_AFTER}"
        ),
        _is_nik,
    ),
    (
        "PASSPORT",
        re.compile(rf"{_BEFORE}(?<![/_.-])(?P<letters>[A-Z] ?|[A-Z]{{2}})[0-9]{{7}}{_AFTER}"),
        _is_passport,
    ),
    (
        "TELEPHONE",
        # In one piece, or in groups as people write them, so that no date is one. Not the end of a
        # UUID. Possessive: what a stranger sends must not make the search try every grouping.
        re.compile(
            rf"{_BEFORE}(?<![0-9a-f]{{4}}-)(?:"
            r"(?:(?:\+|00)?62[ .-]?|0)8[1-9](?:[0-9]{7,10}+"
            r"|[0-9]{1,2}+(?:(?:[ .-][0-9]{3}+){2}[ .-][0-9]{2,3}+|(?:[ .-][0-9]{3,5}+){2}))"
            r"|\+[1-9](?:[0-9]{8,14}+|[0-9]{0,2}+(?:[ -]\(?[0-9]{1,8}+\)?){2,5})"
            r")(?![A-Za-z0-9]|[.,-][0-9])"
        ),
        _is_telephone,
    ),
    (
        "EMAIL",
        re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}"
            r"(?:\.[A-Za-z0-9-]{1,63})+"
        ),
        _always,
    ),
)


@cache
def _looks_of(event_type: str) -> tuple[Look, Look]:
    """How to look through the meta fields and the payload of a type's events."""
    meta, *payload = catalogue().by_name(event_type).schema["fields"]
    defined: dict[str, Any] = {}
    return _record(meta["type"]["fields"], defined), _record(payload, defined)


def _record(fields: list[dict[str, Any]], defined: dict[str, Any]) -> Look:
    looks = {
        field["name"]: look
        for field in fields
        if (look := _look(field["type"], defined, _is_free(field["name"]))) is not None
    }

    def look_through(value: Any, place: str, found: list[Finding]) -> None:
        prefix = f"{place}." if place else ""
        for name, look in looks.items():
            if one := value[name]:  # most fields of most events say nothing
                look(one, prefix + name, found)

    return look_through


def _is_free(name: str) -> bool:
    return not name.endswith(_ID) and name not in NAMES_OF_THINGS


def _look(schema: Any, defined: dict[str, Any], is_free: bool) -> Look | None:
    """How to look through a value of a type; None where there can be no free text."""
    if isinstance(schema, list):
        return _look(schema[1], defined, is_free)
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    if "name" in schema:
        defined[schema["name"]] = schema
    if schema["type"] == "record":
        return _record(schema["fields"], defined)
    if schema["type"] == "array":
        item = _look(schema["items"], defined, is_free)
        return _array(item) if item else None
    is_text = schema["type"] == "string" and "logicalType" not in schema
    return _text if is_text and is_free else None


def _text(value: Any, place: str, found: list[Finding]) -> None:
    if "@" in value or _DIGITS.search(value):
        for kind, (start, end) in _looked_through(value):
            found.append(Finding(place, kind, _hidden(value[start:end])))


def _array(item: Look) -> Look:
    def look_through(value: Any, place: str, found: list[Finding]) -> None:
        for index, one in enumerate(value):
            item(one, f"{place}[{index}]", found)

    return look_through
