"""How an import splits what it reads into lines."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.files.jsonl import Line, Lines
from runut.codec import MAX_VALUE


def split(*chunks: bytes) -> list[Line]:
    lines = Lines()
    return [line for chunk in chunks for line in lines.feed(chunk)] + list(lines.end())


@given(
    st.lists(st.sampled_from([b"", b" ", b"\r", b"{}", b'{"a":"\xc3\xa9"}', b"\xef\xbb\xbf"])),
    st.lists(st.integers(0, 40)),
)
def test_where_the_input_is_cut_does_not_matter(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"\n".join(parts)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    chunks = [whole[start:end] for start, end in pairwise(places)]
    assert split(*chunks) == split(whole)


@given(st.lists(st.binary(min_size=1).map(lambda raw: b"x" + raw.replace(b"\n", b"") + b"x")))
def test_every_line_comes_with_its_number_and_its_bytes(parts: list[bytes]) -> None:
    expected = [Line(number, part) for number, part in enumerate(parts, 1)]
    assert split(b"\n".join(parts)) == expected
    assert split(b"\n".join(parts) + b"\n") == expected


def test_blank_lines_count_and_are_left_out() -> None:
    assert split(b"\n \r\n{}\n\n\t\n[]") == [Line(3, b"{}"), Line(6, b"[]")]


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_line() -> None:
    assert split(b"\xef", b"\xbb\xbf{}\n{}") == [Line(1, b"{}"), Line(2, b"{}")]
    assert split(b"\xef\xbb\xbf\n{}") == [Line(2, b"{}")]


@pytest.mark.parametrize(("size", "is_whole"), [(MAX_VALUE, True), (MAX_VALUE + 1, False)])
def test_of_a_line_that_is_too_long_only_the_beginning_is_kept(size: int, is_whole: bool) -> None:
    chunks = [b"x" * 1000] * (size // 1000) + [b"x" * (size % 1000), b"\nnext"]
    assert split(*chunks) == [Line(1, b"x" * MAX_VALUE, is_whole), Line(2, b"next")]
