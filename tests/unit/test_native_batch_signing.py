"""Batches that are signed by compiled steps are those that the plain ones make."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runut import signing
from runut.native import batch_signing
from runut.signing import MAX_BATCH, NONCE_SIZE, Signable, VerifiedBatches, parse_signature

untimed = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEY_HEADER = ("runut-key-id", b"k-1")
START = b"\x00runut/event/v1\n" + bytes(16)
ITEMS = st.lists(
    st.builds(
        Signable,
        schema_sha256=st.binary(min_size=32, max_size=32),
        subject=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
        body=st.binary(max_size=300),
    ),
    min_size=1,
    max_size=40,
)


def nonces(count: int) -> bytes:
    return bytes(n % 251 for n in range(NONCE_SIZE * count))


def leaves(count: int) -> list[bytes]:
    return [n.to_bytes(32) for n in range(count)]


def signed(root: bytes) -> bytes:
    return root[::-1] + bytes(32)


@untimed
@given(ITEMS)
def test_what_signs_events_is_the_same(items: list[Signable]) -> None:
    drawn = nonces(len(items))
    found = batch_signing.signed_events(KEY_HEADER, START, drawn, items, signed)
    digests = signing.event_digests(START, drawn, items)
    values = signing.signature_values(drawn, digests, signed)
    assert found is not None
    assert [(one.digest, one.signature) for one in found] == list(zip(digests, values, strict=True))
    assert [one.headers for one in found] == [
        (KEY_HEADER, ("runut-signature", value)) for value in values
    ]


@untimed
@given(st.integers(1, MAX_BATCH))
def test_headers_are_the_same(size: int) -> None:
    given = nonces(size), leaves(size), signed
    assert batch_signing.signature_values(*given) == signing.signature_values(*given)


def test_headers_of_every_small_batch_are_the_same() -> None:
    for size in range(1, 70):
        given = nonces(size), leaves(size), signed
        assert batch_signing.signature_values(*given) == signing.signature_values(*given)


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 1023, 1024])
def test_what_was_signed_verifies(size: int) -> None:
    key = Ed25519PrivateKey.generate()
    values = signing.sign_batch(key, nonces(size), leaves(size))
    batches, public_key = VerifiedBatches(), key.public_key().public_bytes_raw()
    for leaf, value in zip(leaves(size), values, strict=True):
        assert batches.holds(public_key, parse_signature(value), leaf)


@pytest.mark.parametrize(
    ("given_nonces", "given_leaves"),
    [
        (b"", []),
        (nonces(MAX_BATCH + 1), leaves(MAX_BATCH + 1)),
        (nonces(2), leaves(1)),
        (nonces(1), leaves(2)),
        (nonces(2)[:-1], leaves(2)),
        (nonces(2), [bytes(32), bytes(31)]),
        (nonces(2), [bytes(33), bytes(31)]),
        (nonces(1), [None]),
    ],
    ids=lambda one: str(len(one)),
)
def test_what_is_no_batch_is_left_to_the_plain_one(
    given_nonces: bytes, given_leaves: list[bytes]
) -> None:
    assert batch_signing.signature_values(given_nonces, given_leaves, signed) is None


def test_an_error_of_who_signs_is_handed_on() -> None:
    def broken(root: bytes) -> bytes:
        raise LookupError(len(root))

    with pytest.raises(LookupError, match="32"):
        batch_signing.signature_values(nonces(2), leaves(2), broken)


ITEM = Signable(bytes(32), "case/X", b"body")


@pytest.mark.parametrize(
    ("start", "count", "items"),
    [
        (START, 0, []),
        (START, MAX_BATCH + 1, [ITEM] * (MAX_BATCH + 1)),
        (START, 1, [ITEM] * 2),
        (START, 3, [ITEM] * 2),
        (START[:-1], 1, [ITEM]),
        (START, 2, [ITEM, Signable(bytes(31), "case/X", b"body")]),
    ],
    ids=["none", "too many", "a nonce too few", "a nonce too many", "short id", "short hash"],
)
def test_events_that_are_no_batch_are_left_to_the_plain_one(
    start: bytes, count: int, items: list[Signable]
) -> None:
    given = (KEY_HEADER, start, nonces(count), items, signed)
    assert batch_signing.signed_events(*given) is None


@pytest.mark.parametrize("size", [0, 63, 65])
def test_what_is_no_signature_is_left_to_the_plain_one(size: int) -> None:
    def sign(_root: bytes) -> bytes:
        return bytes(size)

    assert batch_signing.signature_values(nonces(1), leaves(1), sign) is None
