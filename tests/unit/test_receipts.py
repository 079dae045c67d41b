"""Receipts: the text word by word, and that nothing of it can be changed unnoticed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.errors import BadInput
from runut.event import AgencyCode, EventId, Subject
from runut.keystore import KeyStore, SigningKey
from runut.receipts import SignedReceipt, Statement, check, receipt_of, sign, statement

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
SIGNING_KEY = SigningKey("runut-1", "runut", datetime(2026, 1, 1, tzinfo=UTC), PUBLIC_KEY, KEY)

TEXT = """\
runut/receipt/v1
ledger_id 000102030405060708090a0b0c0d0e0f
event_id 0197f1c2-0000-7000-8000-000000000011
agency kp2mi
subject case/KP2MI-2025-0001
topic runut.events
partition 3
offset 17
recorded_at 2025-05-08T03:00:00.123000Z
event_digest 0707070707070707070707070707070707070707070707070707070707070707
included_by 2025-05-08T03:10:00.123000Z
"""


def said(offset: int = 17, *, digest: bytes | None = bytes([7]) * 32) -> Statement:
    return statement(
        ledger_id=bytes(range(16)),
        event_id=EventId(f"0197f1c2-0000-7000-8000-0000000000{offset - 6:02}"),
        agency=AgencyCode("kp2mi"),
        subject=Subject("case/KP2MI-2025-0001"),
        topic="runut.events",
        partition=3,
        offset=offset,
        recorded_at=datetime(2025, 5, 8, 3, 0, 0, 123_000, tzinfo=UTC),
        event_digest=digest,
    )


def test_the_text_is_as_documented_and_promises_ten_minutes() -> None:
    assert said().text().decode() == TEXT
    assert b"\nevent_digest -\n" in said(digest=None).text()


def test_one_alone_can_be_checked_with_ed25519_and_sha256_only() -> None:
    (receipt,) = sign([said()], SIGNING_KEY)
    signature = b64decode(receipt.signature)
    assert signature[:5] == b"\x01\x00\x01\x00\x00"  # version 1, the first of one
    assert signature[5:21] == bytes(16)
    leaf = sha256(b"\x00" + TEXT.encode()).digest()
    message = b"runut/batch/v1\n" + (1).to_bytes(4) + leaf
    KEY.public_key().verify(signature[21:], message)


def test_the_same_statement_is_always_signed_alike() -> None:
    assert sign([said()], SIGNING_KEY) == sign([said()], SIGNING_KEY)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_each_of_several_receipts_stands_for_itself(count: int) -> None:
    receipts = sign([said(17 + n) for n in range(count)], SIGNING_KEY)
    for n, receipt in enumerate(receipts):
        check(receipt, PUBLIC_KEY)
        assert receipt.text() == said(17 + n).text()


@pytest.mark.parametrize("count", [0, 1025])
def test_none_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="1 to 1024"):
        sign([said()] * count, SIGNING_KEY)


def test_its_json_form_is_read_as_it_was_made() -> None:
    (receipt,) = sign([said()], SIGNING_KEY)
    with_more = {**msgspec.to_builtins(receipt), "foreseen": {"verdict": "EFFECTIVE"}}
    assert receipt_of(msgspec.json.encode(with_more)) == receipt


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": 20},
        {"partition": 4},
        {"event_digest": None},
        {"included_by": "2025-05-08T04:10:00.123000Z"},
        {"subject": "case/KP2MI-2025-0002"},
        {"ledger_id": "ff" * 16},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_changed_receipt_fails(changed: dict[str, object]) -> None:
    for receipt in sign([said(), said(18)], SIGNING_KEY):
        check(receipt, PUBLIC_KEY)
        with pytest.raises(BadInput, match="signature of the receipt"):
            check(msgspec.structs.replace(receipt, **changed), PUBLIC_KEY)


def test_a_flipped_bit_anywhere_in_the_signature_fails() -> None:
    receipt = sign([said(), said(18), said(19)], SIGNING_KEY)[1]
    signature = b64decode(receipt.signature)
    for place in range(len(signature)):
        flipped = bytearray(signature)
        flipped[place] ^= 1
        with pytest.raises(BadInput):
            check(with_signature(receipt, bytes(flipped)), PUBLIC_KEY)


@pytest.mark.parametrize("signature", ["", "AAAA", "!", "QUJ=", "ÄÄÄÄ"])
def test_what_is_no_signature_fails_by_name(signature: str) -> None:
    (receipt,) = sign([said()], SIGNING_KEY)
    with pytest.raises(BadInput, match="signature"):
        check(msgspec.structs.replace(receipt, signature=signature), PUBLIC_KEY)


def test_another_key_s_signature_fails() -> None:
    (receipt,) = sign([said()], SIGNING_KEY)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(BadInput, match="one by key runut-1"):
        check(receipt, other)


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "case/X\noffset 1"},
        {"event_id": "1"},
        {"offset": -1},
        {"event_digest": "07"},
        {"topic": ""},
    ],
    ids=str,
)
def test_what_could_not_be_a_line_of_the_text_is_no_receipt(changed: dict[str, object]) -> None:
    (receipt,) = sign([said()], SIGNING_KEY)
    given = {**msgspec.to_builtins(receipt), **changed}
    with pytest.raises(BadInput, match=r"^receipt: expected"):
        receipt_of(msgspec.json.encode(given))


def test_a_key_of_the_key_store_signs(tmp_path: Path) -> None:
    key = KeyStore(tmp_path / "keys").new("runut")
    (receipt,) = sign([said()], key)
    assert receipt.key_id == key.key_id
    check(receipt, key.public_key)


def with_signature(receipt: SignedReceipt, signature: bytes) -> SignedReceipt:
    return msgspec.structs.replace(receipt, signature=b64encode(signature).decode())
