"""Batch signatures: the golden vectors, the format word by word, and no byte left uncovered."""

from __future__ import annotations

import json
import runpy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from runut import merkle
from runut.errors import BadInput
from runut.signing import (
    MAX_BATCH,
    Malformed,
    Signable,
    SignedBy,
    Signer,
    VerifiedBatches,
    event_digest,
    parse_signature,
    read_headers,
)

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden" / "signing").glob("*.json"))

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
SIGNER = Signer("kp2mi-1", KEY)
LEDGER = bytes(range(16))
SCHEMA = sha256(b"schema").digest()


def events(size: int) -> list[Signable]:
    return [Signable(SCHEMA, f"case/{index}", f"body {index}".encode()) for index in range(size)]


def judge(public_key: bytes, ledger_id: bytes, item: Signable, headers: Any) -> str:
    """What a verifier finds, in the words of the golden vectors."""
    found = read_headers(headers)
    if found is None:
        return "MISSING"
    if isinstance(found, Malformed):
        return "MALFORMED"
    digest = event_digest(ledger_id, found.signature.nonce, *astuple(item))
    valid = VerifiedBatches().holds(public_key, found.signature, digest)
    return "VALID" if valid else "INVALID"


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_golden_vectors_are_judged_as_they_say(file: Path) -> None:
    vector = json.loads(file.read_text())
    public_key, ledger_id, schema, body = (
        bytes.fromhex(vector[name]) for name in ("public_key", "ledger_id", "schema_sha256", "body")
    )
    headers = [
        (name, None if value is None else bytes.fromhex(value)) for name, value in vector["headers"]
    ]
    item = Signable(schema, vector["subject"], body)
    assert judge(public_key, ledger_id, item, headers) == vector["expect"]


def test_golden_vectors_are_what_their_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "tools" / "golden_signing.py"))
    written = {name: script["as_json"](vector) for name, vector in script["vectors"]().items()}
    assert written == {file.stem: file.read_text() for file in GOLDEN}


def test_the_format_is_the_one_of_the_design_word_by_word() -> None:
    items = events(3)
    signed = SIGNER.sign(LEDGER, items)
    headers = [dict(event.headers) for event in signed]
    values = [found["runut-signature"] for found in headers]
    digests = [
        sha256(
            b"\x00runut/event/v1\n"
            + LEDGER
            + value[5:21]
            + SCHEMA
            + len(item.subject).to_bytes(4, "big")
            + item.subject.encode()
            + item.body
        ).digest()
        for item, value in zip(items, values, strict=True)
    ]
    left = sha256(b"\x01" + digests[0] + digests[1]).digest()
    root = sha256(b"\x01" + left + digests[2]).digest()
    signature = values[0][-64:]

    assert [event.digest for event in signed] == digests
    assert [found["runut-key-id"] for found in headers] == [b"kp2mi-1"] * 3
    assert [value[:5].hex() for value in values] == ["0100030000", "0100030001", "0100030002"]
    paths = [digests[1] + digests[2], digests[0] + digests[2], left]
    assert [value[21:] for value in values] == [path + signature for path in paths]
    KEY.public_key().verify(signature, b"runut/batch/v1\n" + (3).to_bytes(4, "big") + root)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, MAX_BATCH))
def test_every_event_of_a_batch_verifies_at_the_cost_of_one(size: int) -> None:
    items = events(size)
    verified = VerifiedBatches()
    for item, signed in zip(items, SIGNER.sign(LEDGER, items), strict=True):
        found = read_headers(signed.headers)
        assert isinstance(found, SignedBy)
        assert found.key_id == "kp2mi-1"
        assert event_digest(LEDGER, found.signature.nonce, *astuple(item)) == signed.digest
        assert verified.holds(PUBLIC_KEY, found.signature, signed.digest)
    assert len(verified) == 1


@settings(deadline=None)
@given(st.integers(1, 40), st.data())
def test_any_flipped_bit_is_noticed(size: int, data: Any) -> None:
    index = data.draw(st.integers(0, size - 1))
    item = events(size)[index]
    headers = SIGNER.sign(LEDGER, events(size))[index].headers
    parts = {
        "public key": PUBLIC_KEY,
        "ledger id": LEDGER,
        "schema": item.schema_sha256,
        "subject": item.subject.encode(),
        "body": item.body,
        "signature": dict(headers)["runut-signature"],
    }
    assert judge(PUBLIC_KEY, LEDGER, item, headers) == "VALID"

    name = data.draw(st.sampled_from(sorted(parts)))
    bit = data.draw(st.integers(0, 8 * len(parts[name]) - 1))
    flipped = bytearray(parts[name])
    flipped[bit // 8] ^= 1 << bit % 8
    parts[name] = bytes(flipped)
    changed = Signable(parts["schema"], parts["subject"].decode("latin-1"), parts["body"])
    headers = [headers[0], ("runut-signature", parts["signature"])]
    verdict = judge(parts["public key"], parts["ledger id"], changed, headers)
    assert verdict in ("INVALID", "MALFORMED")


@given(st.integers(1, 200), st.data())
def test_what_is_written_is_read_and_read_is_written(size: int, data: Any) -> None:
    index = data.draw(st.integers(0, size - 1))
    value = dict(SIGNER.sign(LEDGER, events(size))[index].headers)["runut-signature"]
    signature = parse_signature(value)
    assert (signature.size, signature.index) == (size, index)
    assert signature.to_bytes() == value


@given(st.binary(max_size=500) | st.binary(max_size=500).map(lambda rest: b"\1\0\4\0\1" + rest))
def test_any_bytes_are_a_signature_or_bad_input(value: bytes) -> None:
    try:
        signature = parse_signature(value)
    except BadInput:
        return
    assert signature.to_bytes() == value


@given(st.integers(0, 8 * len("kp2mi-1") - 1))
def test_a_flipped_bit_of_the_key_id_names_another_key_or_none(bit: int) -> None:
    (name, value), signature = SIGNER.sign(LEDGER, events(1))[0].headers
    flipped = bytearray(value)
    flipped[bit // 8] ^= 1 << bit % 8
    found = read_headers([(name, bytes(flipped)), signature])
    assert found is not None
    assert found.key_id != "kp2mi-1"


def test_nonces_are_fresh_so_that_equal_events_have_different_digests() -> None:
    one, other = SIGNER.sign(LEDGER, [events(1)[0], events(1)[0]])
    assert one.digest != other.digest


@pytest.mark.parametrize("size", [0, MAX_BATCH + 1])
def test_a_batch_is_neither_empty_nor_beyond_its_limit(size: int) -> None:
    with pytest.raises(BadInput, match="1 to 1024"):
        SIGNER.sign(LEDGER, events(size))


@pytest.mark.parametrize("lengths", [(15, 16, 32), (16, 17, 31), (16, 16, 33)])
def test_a_digest_takes_parts_of_fixed_length_only(lengths: tuple[int, int, int]) -> None:
    ledger, nonce, schema = map(bytes, lengths)
    with pytest.raises(BadInput, match="16, 16 and 32"):
        event_digest(ledger, nonce, schema, "case/X", b"")


@pytest.mark.parametrize("lengths", [(15, 32), (16, 33)])
def test_what_has_no_digest_is_not_signed(lengths: tuple[int, int]) -> None:
    ledger, schema = map(bytes, lengths)
    with pytest.raises(BadInput, match="16, 16 and 32"):
        SIGNER.sign(ledger, [*events(1), Signable(schema, "case/X", b"")])


def test_a_malformed_signature_still_names_its_key() -> None:
    found = read_headers([("runut-key-id", b"kp2mi-1"), ("runut-signature", b"\2")])
    assert found == Malformed("kp2mi-1", "runut-signature: expected at least 21 bytes, found 1")


def test_no_more_batches_are_remembered_than_allowed_and_the_least_recent_goes_first() -> None:
    verified = VerifiedBatches(maxsize=2)
    signed = [SIGNER.sign(LEDGER, events(1))[0] for _ in range(3)]
    signatures = [parse_signature(dict(event.headers)["runut-signature"]) for event in signed]

    def check(number: int) -> bool:
        return verified.holds(PUBLIC_KEY, signatures[number], signed[number].digest)

    assert all(check(number) for number in (0, 1, 0, 2))
    assert len(verified) == 2
    kept = [way.root for way in verified._ways.values()]
    assert kept == [signed[0].digest, signed[2].digest]


def test_what_does_not_verify_is_never_remembered() -> None:
    verified = VerifiedBatches()
    one, other = (SIGNER.sign(LEDGER, events(1))[0] for _ in range(2))
    right, wrong = (parse_signature(dict(it.headers)["runut-signature"]) for it in (one, other))
    for _ in range(2):
        assert not verified.holds(PUBLIC_KEY, wrong, one.digest)
    assert len(verified) == 0
    assert verified.holds(PUBLIC_KEY, right, one.digest)


@settings(deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_verdict_is_the_same_whatever_was_verified_before(size: int, data: Any) -> None:
    """Events of a batch in any order, some of them with a bit flipped somewhere."""
    verified = VerifiedBatches()
    signed = SIGNER.sign(LEDGER, events(size))
    for index in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8)):
        digest, value = signed[index].digest, dict(signed[index].headers)["runut-signature"]
        changed = bytearray(value + digest)
        if data.draw(st.booleans()):
            bit = data.draw(st.integers(0, 8 * len(changed) - 1))
            changed[bit // 8] ^= 1 << bit % 8
        try:
            signature = parse_signature(bytes(changed[:-32]))
        except BadInput:
            continue
        args = (PUBLIC_KEY, signature, bytes(changed[-32:]))
        assert verified.holds(*args) == VerifiedBatches().holds(*args)


def test_a_remembered_batch_is_worth_nothing_under_another_key() -> None:
    verified = VerifiedBatches()
    signed = SIGNER.sign(LEDGER, events(1))[0]
    signature = parse_signature(dict(signed.headers)["runut-signature"])
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert verified.holds(PUBLIC_KEY, signature, signed.digest)
    assert not verified.holds(other, signature, signed.digest)


def test_a_batch_is_one_tree_of_its_digests() -> None:
    signed = SIGNER.sign(LEDGER, events(5))
    root = merkle.root([event.digest for event in signed])
    for one in signed:
        signature = parse_signature(dict(one.headers)["runut-signature"])
        path = [signature.path[at : at + 32] for at in range(0, len(signature.path), 32)]
        assert merkle.verify_inclusion(one.digest, signature.index, 5, path, root)
