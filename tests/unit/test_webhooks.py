"""Webhooks are signed as Standard Webhooks 1.0 says."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

from runut.keystore import KeyStore
from runut.webhooks import public_key_text, signature_headers

SENT_AT = datetime(2026, 1, 5, 3, 0, 2, 900_000, tzinfo=UTC)
BODY = '{"title":"Pelimpahan – ø"}'.encode()


def test_the_headers_name_message_and_second_and_each_key_signs(tmp_path: Path) -> None:
    keys = [KeyStore(tmp_path / "keys").new("runut") for _ in range(2)]
    headers = signature_headers(keys, "0f3e", SENT_AT, BODY)
    assert headers["webhook-id"] == "0f3e"
    assert headers["webhook-timestamp"] == "1767582002"
    signatures = headers["webhook-signature"].split(" ")
    for key, signature in zip(keys, signatures, strict=True):
        version, value = signature.split(",")
        assert version == "v1a"
        signed = b"0f3e.1767582002." + BODY
        key.private_key.public_key().verify(b64decode(value), signed)
        with pytest.raises(InvalidSignature):
            key.private_key.public_key().verify(b64decode(value), signed + b" ")


def test_a_public_key_is_shown_as_receivers_libraries_take_it(tmp_path: Path) -> None:
    key = KeyStore(tmp_path / "keys").new("runut")
    text = public_key_text(key.public_key)
    assert text.startswith("whpk_")
    assert b64decode(text[5:], validate=True) == key.public_key
