"""Cursors, ids of streams, CSV, the choice of a format: what goes over the wire and comes back."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dashboard.answers import format_asked
from dashboard.cursors import decode_cursor, encode_cursor
from dashboard.stream_text import id_text, parse_id
from dashboard.tabular import csv_head, csv_lines
from projections.listing import CommitmentKey
from runut.errors import FieldError

PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.none() | PLAIN, PLAIN, PLAIN)
def test_a_cursor_gives_back_the_key_that_it_was_made_of(
    due_at: str | None, subject: str, ident: str
) -> None:
    key = CommitmentKey(due_at, subject, ident)
    assert decode_cursor(encode_cursor(key), CommitmentKey) == key


@given(st.text(st.characters(codec="ascii")) | st.binary().map(lambda one: encode_cursor(str(one))))
def test_what_is_no_cursor_of_a_list_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        decode_cursor(text, CommitmentKey)
    assert refused.value.field == "query.cursor"


def test_a_cursor_with_a_character_that_no_column_holds_is_refused() -> None:
    with pytest.raises(FieldError):
        decode_cursor(encode_cursor("a\x00"), str)


@given(st.dictionaries(st.integers(0, 1023), st.integers(1, 10**17), min_size=1))
def test_an_id_of_the_stream_gives_back_its_positions(at: dict[int, int]) -> None:
    assert parse_id(id_text(at)) == at


@pytest.mark.parametrize(
    "text", ["", "0", "0:", ":1", "0:1,", "0:1;1:2", "-1:2", "0:1\n", "0:1" * 9]
)
def test_what_is_no_id_of_the_stream_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        parse_id(text)


@given(st.lists(PLAIN.filter(lambda one: "\r" not in one), min_size=2, max_size=2))
def test_csv_gives_back_every_text_and_starts_no_formula(texts: list[str]) -> None:
    document = dict(zip("ab", texts, strict=True))
    table = (csv_head("ab") + csv_lines([document], "ab")).decode()
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    for name, text in document.items():
        assert row[name].removeprefix("'") == text.removeprefix("'")
        assert not row[name].startswith(("=", "+", "-", "@", "\t"))


def test_csv_has_no_brackets_for_lists_of_texts_and_json_for_what_is_nested() -> None:
    document = {"a": ["kp2mi", "polri"], "b": [{"n": 1}], "c": None, "d": True, "e": 7, "f": []}
    table = csv_lines([document], "abcdef").decode()
    assert table == 'kp2mi;polri,"[{""n"":1}]",,true,7,\r\n'


@pytest.mark.parametrize(
    ("accept", "wanted", "form"),
    [
        ("", None, "json"),
        ("*/*", None, "json"),
        ("text/csv", None, "csv"),
        ("text/html, text/csv;q=0.5, application/jsonl;q=0.9", None, "jsonl"),
        ("application/x-ndjson", None, "jsonl"),
        ("text/csv;q=oops, application/json", None, "json"),
        ("image/png", None, "json"),
        ("text/csv", "json", "json"),
    ],
)
def test_the_format_is_the_one_asked_for_else_the_best_that_is_accepted(
    accept: str, wanted: Any, form: str
) -> None:
    headers = [(b"accept", accept.encode())]
    assert format_asked(Request({"type": "http", "headers": headers}), wanted) == form
