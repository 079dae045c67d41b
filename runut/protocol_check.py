"""Find what is wrong with a protocol file before it is published: all of it, each with its place.

Pure. First against the published JSON Schema, then for what contradicts itself, then for what
contradicts the directory. A file without an error is one that `runut.protocol` reads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self

import msgspec
from jsonschema import Draft202012Validator, ValidationError

from runut.directory import Agency, Directory
from runut.errors import BadFile, shorten
from runut.protocol import Limit, Protocol, parse_limit, parse_timezone, protocol_schema
from runut.toml_lines import KeyPath, dotted, key_lines, line_of

Severity = Literal["ERROR", "WARNING"]


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong with a protocol file."""

    severity: Severity
    path: str
    """Key path such as `limits.LETTER_REPLY.URGENT`; empty for the file as a whole."""
    line: int | None
    """From 1; that of the nearest table for what is missing."""
    expected: str
    found: str

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}expected {self.expected}, found {self.found}"


class Known(NamedTuple):
    """What a ledger's directory says, as far as a protocol depends on it."""

    agencies: Mapping[str, Agency]
    """Without the ledger's own, which neither consents nor attends; empty says nothing."""
    published: Sequence[Protocol] = ()

    @classmethod
    def of(cls, directory: Directory) -> Self:
        """What a directory says now."""
        return cls.among(directory.agencies(), [one.protocol for one in directory.protocols])

    @classmethod
    def among(cls, agencies: Iterable[Agency], published: Sequence[Protocol] = ()) -> Self:
        """What these agencies and protocols say."""
        return cls({one.code: one for one in agencies if one.kind != "SYSTEM"}, published)


class _Problem(NamedTuple):
    """A finding whose line is still to be looked up."""

    path: KeyPath
    expected: str
    found: object
    severity: Severity = "ERROR"


Problems = Iterator[_Problem]

_VALIDATOR: Final = Draft202012Validator(protocol_schema())
_SYNTAX: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_LETTERS: Final = ("limits", "LETTER_REPLY")
_NOT_LONGER: Final[tuple[tuple[KeyPath, KeyPath], ...]] = (
    ((*_LETTERS, "IMMEDIATE"), (*_LETTERS, "URGENT")),
    ((*_LETTERS, "URGENT"), (*_LETTERS, "NORMAL")),
    (("limits", "ASSISTANCE_ANSWER_EMERGENCY"), ("limits", "ASSISTANCE_ANSWER")),
)
_HOURS_A_DAY: Final = 24


def check_protocol(text: str, known: Known | None = None) -> list[Finding]:
    """All that is wrong with a protocol file's text, in the order of its lines.

    `known` None leaves out what only a directory can tell.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _SYNTAX.search(str(error))
        line = int(place[1]) if place else None
        return [Finding("ERROR", "", line, "TOML", _SYNTAX.sub("", str(error)))]
    lines = key_lines(text)
    findings = dict.fromkeys(
        Finding(
            one.severity,
            dotted(one.path),
            line_of(lines, one.path),
            one.expected,
            shorten(str(one.found)),
        )
        for one in _problems(tables, text, known)
    )
    return sorted(findings, key=lambda finding: finding.line or 0)


def _problems(tables: dict[str, Any], text: str, known: Known | None) -> Problems:
    found = list(_misshapen(tables))
    draft = _Draft(tables)
    for rule in _RULES:
        found += rule(draft)
    if not any(one.severity == "ERROR" for one in found):
        found += _unreadable(text)
    yield from found
    if known is not None:
        yield from _unknown_to(known, draft, text)


class _Draft:
    """A file's values as far as they are well-formed: what is not is the schema's to say."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self._tables = tables

    def at(self, path: KeyPath) -> Any:
        """The value at a key path; None where there is none."""
        value: Any = self._tables
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def text(self, path: KeyPath) -> str | None:
        value = self.at(path)
        return value if isinstance(value, str) else None

    def limit(self, path: KeyPath) -> Limit | None:
        return _limit(self.at(path))

    def limits(self) -> Iterator[tuple[KeyPath, Limit]]:
        """All limits, those of letters included."""
        for table in (("limits",), _LETTERS):
            names = self.at(table)
            for name in names if isinstance(names, dict) else ():
                limit = self.limit((*table, name))
                if limit is not None:
                    yield (*table, name), limit

    def texts(self, path: KeyPath) -> list[tuple[KeyPath, str]]:
        """The texts of a list, each with its place."""
        return _texts(path, self.at(path))

    def series(self) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        """The meeting series, each with its place."""
        found = self.at(("meeting_series",))
        for index, one in enumerate(found if isinstance(found, list) else ()):
            if isinstance(one, dict):
                yield ("meeting_series", index), one

    def agencies(self) -> Iterator[tuple[KeyPath, str]]:
        """Every agency that is named, with its place."""
        arbiter = self.text(("default_arbiter",))
        if arbiter is not None:
            yield ("default_arbiter",), arbiter
        yield from self.texts(("consents", "TRAFFICKING"))
        for place, one in self.series():
            yield from _texts((*place, "members"), one.get("members"))


def _misshapen(tables: dict[str, Any]) -> Problems:
    """What the JSON Schema forbids."""
    error: ValidationError
    for error in _VALIDATOR.iter_errors(msgspec.to_builtins(tables)):
        place: KeyPath = tuple(error.absolute_path)
        schema, value = error.schema, error.instance
        if error.validator == "additionalProperties":
            keys = schema["properties"]
            for key in value.keys() - keys.keys():
                yield _Problem((*place, key), f"one of the keys {', '.join(keys)}", key)
        elif error.validator == "required":
            for key in schema["required"]:
                if key not in value:
                    yield _Problem((*place, key), _wanted(schema["properties"][key]), "nothing")
        else:
            yield _Problem(place, _wanted(schema), value)


def _wanted(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema or schema.get("type") == "object":
        return "a table"
    return schema.get("description") or f"a value of the type {schema['type']}"


def _unreadable(text: str) -> Problems:
    """What neither schema nor rules find and the reader refuses nevertheless."""
    try:
        Protocol(text)
    except BadFile as error:
        yield _Problem((), error.expected, error.found)


def _no_timezone(draft: _Draft) -> Problems:
    name = draft.text(("timezone",))
    try:
        parse_timezone(name or "UTC")
    except BadFile as error:
        yield _Problem(("timezone",), error.expected, name)


def _disordered_limits(draft: _Draft) -> Problems:
    for path, other in _NOT_LONGER:
        short, long = draft.limit(path), draft.limit(other)
        if short and long and _hours(short) > _hours(long):
            yield _Problem(path, f"a limit not longer than {dotted(other)} ({long})", short)


def _useless_reminders(draft: _Draft) -> Problems:
    """Limits of a day leave no room for a reminder; all others should."""
    places = draft.texts(("reminders", "before"))
    yield from _repeated(places, "each reminder once")
    longer = [(limit, path) for path, limit in draft.limits() if _hours(limit) > _HOURS_A_DAY]
    if not longer:
        return
    limit, path = min(longer, key=lambda one: _hours(one[0]))
    for place, text in places:
        reminder = _limit(text)
        if reminder and _hours(reminder) >= _hours(limit):
            expected = f"a time shorter than {dotted(path)} ({limit}), or it gets no reminder"
            yield _Problem(place, expected, reminder, "WARNING")


def _contradictory_series(draft: _Draft) -> Problems:
    names = [((*place, "series"), one.get("series")) for place, one in draft.series()]
    named = [(place, name) for place, name in names if isinstance(name, str)]
    yield from _repeated(named, "each series once")
    for place, one in draft.series():
        members = _texts((*place, "members"), one.get("members"))
        yield from _repeated(members, "each member once")
        chair, every, late = (one.get(key) for key in ("chair", "every_days", "tolerance_days"))
        if isinstance(chair, str) and chair not in {code for _, code in members}:
            yield _Problem((*place, "chair"), "one of the members", chair)
        if isinstance(every, int) and isinstance(late, int) and late >= every > 0:
            yield _Problem((*place, "tolerance_days"), f"fewer than every_days ({every})", late)


def _repeated_consents(draft: _Draft) -> Problems:
    yield from _repeated(draft.texts(("consents", "TRAFFICKING")), "each agency once")


_RULES: Final[tuple[Callable[[_Draft], Problems], ...]] = (
    _no_timezone,
    _disordered_limits,
    _useless_reminders,
    _contradictory_series,
    _repeated_consents,
)


def _unknown_to(known: Known, draft: _Draft, text: str) -> Problems:
    """What the directory contradicts."""
    for place, code in draft.agencies():
        # A ledger that knows nobody yet contradicts nothing.
        if known.agencies and code not in known.agencies:
            yield _Problem(place, "an agency that the directory knows", code)
    arbiter = known.agencies.get(draft.text(("default_arbiter",)) or "")
    if arbiter is not None and arbiter.roles.isdisjoint({"COORDINATOR", "CUSTODIAN"}):
        expected = "an agency with the role COORDINATOR or CUSTODIAN"
        yield _Problem(("default_arbiter",), expected, arbiter.code, "WARNING")
    version = draft.text(("version",))
    if any(one.version == version and one.text != text for one in known.published):
        expected = "a version that was not published with another text"
        yield _Problem(("version",), expected, version)


def _repeated(places: Sequence[tuple[KeyPath, str]], expected: str) -> Problems:
    seen: set[str] = set()
    for place, text in places:
        if text in seen:
            yield _Problem(place, expected, f"{text} again")
        seen.add(text)


def _texts(path: KeyPath, value: Any) -> list[tuple[KeyPath, str]]:
    items = value if isinstance(value, list) else []
    return [((*path, index), one) for index, one in enumerate(items) if isinstance(one, str)]


def _limit(value: Any) -> Limit | None:
    try:
        return parse_limit("", value) if isinstance(value, str) else None
    except BadFile:
        return None


def _hours(limit: Limit) -> int:
    """How long a limit lasts at least: a working day ends no sooner than a day of the clock."""
    return limit.amount * (_HOURS_A_DAY if limit.span == "wd" else 1)
