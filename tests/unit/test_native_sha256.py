"""SHA-256 without `hashlib`'s way round is SHA-256."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.native.sha256 import sha256


@given(st.binary(max_size=1000))
def test_it_is_that_of_hashlib(data: bytes) -> None:
    assert sha256(data) == hashlib.sha256(data).digest()


@pytest.mark.parametrize("given", [None, "text", bytearray(b"1")])
def test_it_takes_bytes_and_nothing_else(given: object) -> None:
    with pytest.raises(TypeError):
        sha256(given)  # type: ignore[arg-type]
