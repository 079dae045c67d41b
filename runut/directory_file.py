"""Read a directory file: the agencies, mandates and keys that a ledger is to know, as TOML.

`[[agency]]` code, name_id, name_en, kind, roles, region, escalates_to, timezone; `[[mandate]]`
agency, function, valid_from, valid_to, basis; `[[key]]` agency, key_id, public_key (base64),
custody, valid_from. Pure. Refuses unknown fields, doubled codes and time zones that do not
exist; kinds and roles are checked where records are made of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from runut.directory import Agency, Mandate
from runut.errors import BadFile
from runut.event import AGENCY_PATTERN

T = TypeVar("T")
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

DEFAULT_TIMEZONE: Final = "Asia/Jakarta"


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public key that an agency made on its own machine."""

    agency: str
    key_id: str
    public_key: bytes
    custody: str = "SELF"
    valid_from: Moment | None = None
    """None: as soon as it is announced."""


class DirectoryFile(msgspec.Struct, frozen=True):
    """What a directory file says."""

    agencies: tuple[Agency, ...]
    mandates: tuple[Mandate, ...]
    keys: tuple[KeyEntry, ...]


class _AgencyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    code: str
    name_id: str
    name_en: str
    kind: str
    roles: frozenset[str] = frozenset()
    region: str | None = None
    escalates_to: str | None = None
    timezone: str = DEFAULT_TIMEZONE


class _MandateEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    agency: str
    function: str
    valid_from: Moment
    valid_to: date | None = None
    basis: str


def read_directory_file(path: Path) -> DirectoryFile:
    """The file at `path`.

    Raises:
        BadFile: it cannot be read, or naming the entry that is wrong.
    """
    tables = _tables(path)
    agencies = _entries(path, "agency", tables.pop("agency", []), _AgencyEntry)
    mandates = _entries(path, "mandate", tables.pop("mandate", []), _MandateEntry)
    keys = _entries(path, "key", tables.pop("key", []), KeyEntry)
    if tables:
        raise BadFile(str(path), "[[agency]], [[mandate]] and [[key]]", ", ".join(tables))
    _check_agencies(path, agencies)
    return DirectoryFile(
        agencies=tuple(Agency(**msgspec.structs.asdict(one)) for one in agencies),
        mandates=tuple(Mandate(**msgspec.structs.asdict(one)) for one in mandates),
        keys=tuple(keys),
    )


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadFile(str(path), "a readable file", error.strerror) from None
    except ValueError as error:  # no UTF-8, or no TOML
        raise BadFile(str(path), "TOML", error) from None


def _entries(path: Path, name: str, given: Any, shape: type[T]) -> list[T]:
    if not isinstance(given, list):
        raise BadFile(f"{name} in {path}", f"tables [[{name}]]", given)
    return [_entry(path, name, index, one, shape) for index, one in enumerate(given, 1)]


def _entry(path: Path, name: str, index: int, given: Any, shape: type[T]) -> T:
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        which = given.get("code", given.get("agency", "")) if isinstance(given, dict) else given
        fields = ", ".join(shape.__struct_fields__)  # type: ignore[attr-defined]
        thing = f"{name} {which} (number {index}) in {path}"
        raise BadFile(thing, f"the fields {fields}", error) from None


def _check_agencies(path: Path, agencies: Iterable[_AgencyEntry]) -> None:
    known: set[str] = set()
    for agency in agencies:
        thing = f"agency {agency.code} in {path}"
        if not AGENCY_PATTERN.fullmatch(agency.code):
            raise BadFile(thing, f"a code that matches {AGENCY_PATTERN.pattern}", agency.code)
        if agency.code in known:
            raise BadFile(thing, "each code once", "it twice")
        known.add(agency.code)
        try:
            ZoneInfo(agency.timezone)
        except (OSError, ValueError, KeyError):
            expected = f"a time zone such as {DEFAULT_TIMEZONE}"
            raise BadFile(f"timezone of {thing}", expected, agency.timezone) from None
