"""Signatures that travel as text are signatures like all others."""

from __future__ import annotations

from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.signing import Signable, SignedBy, VerifiedBatches, read_headers
from runut.text_signing import TextSigner

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LEDGER = bytes(16)
EVENTS = [Signable(bytes(32), f"case/{n}", b"body") for n in range(50)]


def test_no_byte_of_the_header_is_lost_in_an_argument() -> None:
    for signed in TextSigner("kp2mi-1", KEY).sign(LEDGER, EVENTS):
        value = dict(signed.headers)["runut-signature"]
        assert b"\0" not in value
        assert not value.endswith(b"\n")


def test_readers_find_a_valid_signature_of_this_event_and_no_other() -> None:
    public_key = KEY.public_key().public_bytes_raw()
    signed = TextSigner("kp2mi-1", KEY).sign(LEDGER, EVENTS)
    assert len({one.digest for one in signed}) == len(EVENTS)
    for one, other in pairwise(signed):
        found = read_headers(one.headers)
        assert isinstance(found, SignedBy)
        verified = VerifiedBatches()
        assert verified.holds(public_key, found.signature, one.digest)
        assert not verified.holds(public_key, found.signature, other.digest)
