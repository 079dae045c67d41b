"""A table and a mapping say the same events, by the same ids, as the same facts in JSONL."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.files.entries import Found
from producers.files.jsonl import JsonLines
from producers.files.mapping_file import read_mapping
from producers.files.shapes import shapes_of
from producers.files.table import Table
from runut.catalogue import catalogue
from runut.event import Event
from runut.json_form import from_json, to_json
from tests.builders import SCENARIOS


class Style(NamedTuple):
    """How an office writes its tables."""

    delimiter: str
    encoding: str
    zone: str
    times: str
    dates: str
    decimal_comma: bool
    line_end: str
    quoting: Any


STYLES = st.builds(
    Style,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Riyadh"]),
    st.sampled_from(["%d/%m/%Y %H:%M:%S", "%d %B %Y pukul %H.%M.%S", "%Y-%m-%dT%H:%M:%S%z"]),
    st.sampled_from(["%d/%m/%Y", "%d-%b-%Y", "%Y%m%d"]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
LISTED = "\x1f"
MONTHS = ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus"]
MONTHS += ["September", "Oktober", "November", "Desember"]


def without_nothing(value: Any) -> Any:
    """What a table can say: no nulls, no empty lists, no texts of spaces alone."""
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else value
    inner = {name: without_nothing(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one not in (None, "", [], {})}


def facts(line: str) -> dict[str, Any] | None:
    """An event of a scenario as a table can say it; None where no cell can hold it."""
    found = without_nothing(to_json(from_json(line, derive_id=True)))
    del found["event_id"]
    shapes = shapes_of(catalogue().by_name(found["type"]))
    flat = flattened(found)
    found.setdefault("data", {})
    can_be_said = all(path in shapes and shapes[path].kind for path in flat)
    needed = {path for path, shape in shapes.items() if shape.is_required} - {"event_id"}
    return found if can_be_said and needed <= flat.keys() else None


def flattened(found: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{prefix}{name}.")
        elif name != "type":
            flat[prefix + name] = value
    return flat


FACTS = [
    one
    for file in sorted(SCENARIOS.glob("*.jsonl"))
    for line in file.open()
    if (one := facts(line)) is not None
]


def cell(value: Any, kind: str, style: Style) -> str:
    """A value as the office writes it."""
    if isinstance(value, list):
        return LISTED.join(value)
    if kind == "time":
        local = datetime.fromisoformat(value).astimezone(ZoneInfo(style.zone))
        written = style.times.replace("%B", MONTHS[local.month - 1])
        return local.strftime(written)
    if kind == "date":
        day = datetime.fromisoformat(value)
        return day.strftime(style.dates.replace("%b", MONTHS[day.month - 1][:3]))
    if kind == "amount":
        if not style.decimal_comma:
            return str(value)
        swapped = str.maketrans(",.", ".,")
        return f"Rp {float(value):,.2f}".translate(swapped)
    if kind == "boolean":
        return "Ya" if value else "tidak"
    return str(value)


def table(found: Sequence[dict[str, Any]], style: Style) -> tuple[str, str]:
    """The events as a table, and the mapping that explains it."""
    mapping = [
        f"delimiter = {json.dumps(style.delimiter)}",
        f'encoding = "{style.encoding.removesuffix("-sig")}"',
        f'time_zone = "{style.zone}"',
        f'times = "{style.times}"',
        f'dates = "{style.dates}"',
        f"decimal_comma = {json.dumps(style.decimal_comma)}",
        'type = { column = "Jenis" }',
    ]
    rows: list[dict[str, str]] = [{"Jenis": one["type"]} for one in found]
    types = dict.fromkeys(one["type"] for one in found)
    meta = {path for one in found for path in flattened(one) if not path.startswith("data.")}
    mapping += ["[meta]", *(_key(path, path) for path in sorted(meta))]
    for name in types:
        mapping.append(f"[data.{name}]")
        shapes = shapes_of(catalogue().by_name(name))
        said = {path for one in found if one["type"] == name for path in flattened(one)}
        needed = {path for path, shape in shapes.items() if shape.is_required}
        for path in sorted((said | needed) - meta - {"event_id"}):
            mapping.append(_key(path, path, shapes[path].is_list))
    for one, row in zip(found, rows, strict=True):
        shapes = shapes_of(catalogue().by_name(one["type"]))
        for path, value in flattened(one).items():
            row[path] = cell(value, shapes[path].kind or "", style)
    return _written(rows, "\n".join(mapping), style), "\n".join(mapping)


def _key(path: str, column: str, is_list: bool = False) -> str:
    separator = f', separator = "\\u{ord(LISTED):04x}"' if is_list else ""
    return f'{path.removeprefix("data.")} = {{ column = "{column}"{separator} }}'


def _written(rows: Sequence[dict[str, str]], mapping: str, style: Style) -> str:
    columns = ["not mapped", *re.findall(r'column = "([^"]+)"', mapping)]
    out = io.StringIO()
    writer = csv.DictWriter(
        out,
        list(dict.fromkeys(columns)),
        delimiter=style.delimiter,
        lineterminator=style.line_end,
        quoting=style.quoting,
        restval="",
    )
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def events(source: JsonLines | Table) -> list[Event]:
    entries = [one for batch in source.batches() for one in batch]
    assert [one for one in entries if not isinstance(one, Found)] == []
    return [one.event for one in entries if isinstance(one, Found)]


@given(found=st.lists(st.sampled_from(FACTS), min_size=1, max_size=12), style=STYLES)
def test_whatever_the_office_style_the_events_and_their_ids_are_those_of_jsonl(
    folder: Path, found: list[dict[str, Any]], style: Style
) -> None:
    written, mapping = table(found, style)
    (folder / "mapping.toml").write_text(mapping)
    lines = "\n".join(json.dumps(one) for one in found)
    expected = events(JsonLines(io.BytesIO(lines.encode())))
    content = io.BytesIO(written.encode(style.encoding))
    assert events(Table(content, read_mapping(folder / "mapping.toml"))) == expected


def test_most_of_the_scenarios_can_be_said_in_a_table() -> None:
    lines = sum(1 for file in SCENARIOS.glob("*.jsonl") for _ in file.open())
    assert len(FACTS) > lines * 0.8
