"""Compiled reading of signatures: what the plain one finds in the same headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from runut import signing
from runut.errors import BadInput
from runut.native import signatures
from runut.signing import Signable, Signer

LEDGER = bytes(range(16))
SIGNER = Signer("kp2mi-1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
BATCHES = {
    size: SIGNER.sign(LEDGER, [Signable(bytes(32), "case/X", b"%d" % one) for one in range(size)])
    for size in (1, 2, 3, 7, 1024)
}
Headers = list[tuple[str, bytes | None]]


@st.composite
def headers(draw: Callable[..., Any]) -> Headers:
    """Those of a signed event with something changed, or none at all."""
    batch = draw(st.sampled_from(list(BATCHES.values())))
    found: Headers = list(draw(st.sampled_from([batch[0], batch[-1]])).headers)
    place = draw(st.integers(0, 1))
    name, value = found[place]
    assert value is not None
    flipped = bytearray(value)
    flipped[draw(st.integers(0, min(30, len(value) - 1)))] ^= draw(st.integers(0, 255))
    cut = value[: draw(st.integers(0, len(value)))]
    other = st.sampled_from([bytes(flipped), cut, value + b"\0", None, b"\xff"]) | st.binary()
    match draw(st.sampled_from(["as it is", "changed", "twice", "left out", "renamed"])):
        case "changed":
            found[place] = (name, draw(other))
        case "twice":
            found.insert(draw(st.integers(0, 2)), (name, draw(other)))
        case "left out":
            del found[place]
        case "renamed":
            found[place] = (name.upper(), value)
    return [("ce_id", b"1"), *found, ("traceparent", None)]


@given(headers())
def test_the_same_is_found_and_the_same_is_said(given: Headers) -> None:
    expected = signing.read_headers(given)
    assert signatures.read_headers(given) == expected
    assert signatures.read_headers(tuple(given)) == expected


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda rest: b"\1\0\4\0\1" + rest))
def test_of_any_bytes(value: bytes) -> None:
    given: Headers = [("runut-key-id", b"kp2mi-1"), ("runut-signature", value)]
    assert signatures.read_headers(given) == signing.read_headers(given)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (1, 1), (1025, 0), (65535, 65535), (3, 2)])
@pytest.mark.parametrize("hashes", range(12))
def test_of_any_place_and_length(size: int, index: int, hashes: int) -> None:
    value = b"\1" + size.to_bytes(2) + index.to_bytes(2) + bytes(16 + 32 * hashes + 64)
    given: Headers = [("runut-key-id", b"kp2mi-1"), ("runut-signature", value)]
    assert signatures.read_headers(given) == signing.read_headers(given)


@given(st.binary(max_size=300), st.text(max_size=90).map(lambda text: f"case/{text}"))
def test_digests_are_equal(body: bytes, subject: str) -> None:
    parts = (LEDGER, bytes(range(16, 32)), bytes(range(32)), subject, body)
    assert signatures.event_digest(*parts) == signing.event_digest(*parts)


@pytest.mark.parametrize("lengths", [(15, 16, 32), (16, 17, 31), (16, 16, 33)])
def test_a_digest_takes_parts_of_fixed_length_only(lengths: tuple[int, int, int]) -> None:
    ledger, nonce, schema = map(bytes, lengths)
    with pytest.raises(BadInput, match="16, 16 and 32"):
        signatures.event_digest(ledger, nonce, schema, "case/X", b"")
