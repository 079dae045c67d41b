"""A cell's text as the JSON form has it: dates, amounts and words as people write them in tables.

Pure. A reader is made once for a column and then reads its cells; it raises BadInput that says what
was expected. What a field really allows is checked afterwards, as for every other way in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from producers.files.shapes import Kind
from runut.errors import BadInput
from runut.rfc3339 import format_time, utc

Read = Callable[[str], Any]

_MONTH_NAMES: Final = (
    ("januari", "january", "jan"),
    ("februari", "february", "feb", "peb"),
    ("maret", "march", "mar"),
    ("april", "apr"),
    ("mei", "may"),
    ("juni", "june", "jun"),
    ("juli", "july", "jul"),
    ("agustus", "august", "agu", "agt", "ags", "aug"),
    ("september", "sep", "sept"),
    ("oktober", "october", "okt", "oct"),
    ("november", "nop", "nov"),
    ("desember", "december", "des", "dec"),
)
_MONTHS: Final = {
    name: f"{number:02}" for number, names in enumerate(_MONTH_NAMES, 1) for name in names
}
_WORD: Final = re.compile(r"[A-Za-z]+\.?")
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9._-]+")
_CURRENCY: Final = re.compile(r"^(?:Rp\.?|IDR)\s*", re.IGNORECASE)
# By whether a comma stands before decimals; digits in threes need not be parted.
_WHOLE: Final = {
    False: re.compile(r"-?([0-9]{1,18}|[0-9]{1,3}(,[0-9]{3}){1,5})"),
    True: re.compile(r"-?([0-9]{1,18}|[0-9]{1,3}(\.[0-9]{3}){1,5})"),
}
_DECIMAL: Final = {
    False: re.compile(_WHOLE[False].pattern + r"(\.[0-9]{1,2})?"),
    True: re.compile(_WHOLE[True].pattern + r"(,[0-9]{1,2})?"),
}
_TRUE: Final = frozenset({"true", "ya", "yes"})
_FALSE: Final = frozenset({"false", "tidak", "no"})


def reader(
    kind: Kind, time_format: str | None, zone: ZoneInfo | None, *, decimal_comma: bool
) -> Read:
    """How to read the cells of a column into a field of a kind.

    `time_format` is strptime's, %B and %b being months in Indonesian or English; without one, times
    are RFC 3339 and dates YYYY-MM-DD. `zone` is that of times that name none.
    """
    if kind == "time" and time_format is not None:
        return _times(time_format, zone)
    if kind == "date" and time_format is not None:
        return _dates(time_format)
    if kind in {"number", "amount"}:
        return _numbers(kind, decimal_comma=decimal_comma)
    return _boolean if kind == "boolean" else str


def words(values: Mapping[str, Any]) -> Read:
    """Translate what stands in the cells, whatever its case and spaces."""
    known = {_plain(word): value for word, value in values.items()}
    expected = f"one of {', '.join(values)}"

    def read(text: str) -> Any:
        if _plain(text) not in known:
            raise BadInput("cell", expected, text)
        return known[_plain(text)]

    return read


def as_id(text: str) -> str:
    """What may be an id: each run of other characters is one hyphen (`B-12/V/2025`: `B-12-V-2025`).

    Raises:
        BadInput: nothing is left.
    """
    found = _NOT_IN_IDS.sub("-", text).strip("-")
    if not found:
        raise BadInput("cell", "a letter or digit", text)
    return found


def _plain(word: str) -> str:
    return " ".join(word.split()).casefold()


def _times(time_format: str, zone: ZoneInfo | None) -> Read:
    parse = _parser(time_format, "a time")

    def read(text: str) -> str:
        local = parse(text)
        if local.tzinfo is None:
            local = local.replace(tzinfo=zone)
            # Clocks that are put forward or back skip an hour and have another one twice.
            if local.utcoffset() != local.replace(fold=1).utcoffset():
                raise BadInput("cell", f"a time that {zone} has once, or one with an offset", text)
        return format_time(utc(local))

    return read


def _dates(time_format: str) -> Read:
    parse = _parser(time_format, "a date")
    return lambda text: parse(text).date().isoformat()


def _parser(time_format: str, thing: str) -> Callable[[str], datetime]:
    by_name = "%B" in time_format or "%b" in time_format
    pattern = time_format.replace("%B", "%m").replace("%b", "%m")

    def parse(text: str) -> datetime:
        try:
            # Local, unless its format has %z: whoever asked knows the time zone.
            return datetime.strptime(  # noqa: DTZ007
                _months_as_numbers(text) if by_name else text, pattern
            )
        except ValueError:
            raise BadInput("cell", f"{thing} as {time_format}", text) from None

    return parse


def _months_as_numbers(text: str) -> str:
    return _WORD.sub(lambda word: _MONTHS.get(word[0].rstrip(".").lower(), word[0]), text)


def _numbers(kind: Kind, *, decimal_comma: bool) -> Read:
    pattern = (_WHOLE if kind == "number" else _DECIMAL)[decimal_comma]
    example = "1.250.000,50" if decimal_comma else "1,250,000.50"
    expected = "a whole number" if kind == "number" else f"an amount such as {example}"

    def read(text: str) -> Any:
        digits = _CURRENCY.sub("", text) if kind == "amount" else text
        if not pattern.fullmatch(digits):
            raise BadInput("cell", expected, text)
        digits = digits.replace("." if decimal_comma else ",", "").replace(",", ".")
        return int(digits) if kind == "number" else f"{Decimal(digits):.2f}"

    return read


def _boolean(text: str) -> bool:
    word = text.casefold()
    if word not in _TRUE | _FALSE:
        raise BadInput("cell", "ya or tidak, true or false", text)
    return word in _TRUE
