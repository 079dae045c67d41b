"""Compiled rows for COPY are what psycopg's dumpers make of the same values."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format

from runut.adapters.postgres import _adapt
from runut.native.copy_rows import BinaryRows

TYPES = ("bool", "bytea", "int8", "int4", "text", "text[]", "timestamptz", "uuid", "jsonb", "date")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bytea": st.binary() | st.binary().map(bytearray),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "int4": st.integers(-(2**31), 2**31),
    "text": st.text(),
    "text[]": st.lists(st.text()) | st.lists(st.text()).map(tuple),
    "timestamptz": st.datetimes(timezones=st.just(UTC))
    | st.datetimes(
        min_value=datetime(2, 1, 1),
        timezones=st.sampled_from([ZoneInfo("Asia/Jakarta"), timezone(timedelta(hours=-3))]),
    ),
    "uuid": st.uuids().map(str) | st.uuids().map(lambda one: one.hex.upper()),
    "jsonb": st.text(),
    "date": st.dates(),
}


def oids() -> list[int]:
    known = psycopg.adapters.types
    return [known[one[:-2]].array_oid if one.endswith("[]") else known[one].oid for one in TYPES]


def dumpers() -> list[Any]:
    """As a connection of ours has them."""
    adapters = AdaptersMap(psycopg.adapters)
    context: Any = SimpleNamespace(adapters=adapters, connection=None)
    asyncio.run(_adapt(context))
    return [adapters.get_dumper_by_oid(oid, Format.BINARY)(type(None), None) for oid in oids()]


DUMPERS = dumpers()


def plain(rows: list[tuple[Any, ...]]) -> bytes:
    """What psycopg sends for rows, but for beginning and end."""
    sent = bytearray()
    for row in rows:
        sent += struct.pack(">h", len(row))
        for dumper, value in zip(DUMPERS, row, strict=True):
            content = None if value is None else dumper.dump(value)
            sent += struct.pack(">i", -1 if content is None else len(content))
            sent += content or b""
    return bytes(sent)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*(st.none() | VALUES[one] for one in TYPES)), max_size=3))
def test_rows_are_what_psycopg_makes_of_them(rows: list[tuple[Any, ...]]) -> None:
    assert BinaryRows(oids(), DUMPERS).block(rows) == plain(rows)


def test_a_block_holds_nothing_of_the_one_before() -> None:
    row = (True, b"\0", 1, 2, "é", ("a", ""), datetime(1999, 1, 1, tzinfo=UTC), str(UUID(int=5)))
    rows = [(*row, "{}", date(2025, 2, 28))]
    binary = BinaryRows(oids(), DUMPERS)
    assert binary.block(rows * 100) == plain(rows * 100)
    assert binary.block(rows) == plain(rows)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text", "\ud800"),
        ("text[]", ("a", "\ud800")),
        ("uuid", "0192e4a0-0000-7000-8000-00000000000g"),
        ("int8", 2**63),
    ],
)
def test_what_cannot_be_sent_is_refused_as_psycopg_refuses_it(column: str, value: object) -> None:
    row = tuple(value if one == column else None for one in TYPES)
    with pytest.raises(Exception) as ours:  # noqa: PT011 - whatever psycopg raises
        BinaryRows(oids(), DUMPERS).block([row])
    with pytest.raises(type(ours.value)):
        plain([row])


@pytest.mark.parametrize("row", [(), (None,) * 9, (None,) * 11])
def test_a_row_has_as_many_values_as_the_table_columns(row: tuple[None, ...]) -> None:
    with pytest.raises(ValueError, match="10 values to a row"):
        BinaryRows(oids(), DUMPERS).block([row])
