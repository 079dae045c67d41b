"""The key store: keys come back, newest first in use, and nobody else may read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runut.errors import BadFile, BadInput, MissingKey
from runut.event import ID_PATTERN
from runut.keystore import ROOT, KeyStore, SigningKey
from runut.signing import (
    Signable,
    SignedBy,
    VerifiedBatches,
    read_headers,
)


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "data" / "keys")


def file_of(store: KeyStore, key: SigningKey) -> Path:
    return store.path / f"{key.key_id}.json"


def test_a_new_key_is_the_one_that_another_process_gets(store: KeyStore) -> None:
    made = store.new("kp2mi")
    found = KeyStore(store.path).get("kp2mi")
    assert found == made
    assert found.private_key.private_bytes_raw() == made.private_key.private_bytes_raw()
    assert found.public_key == made.private_key.public_key().public_bytes_raw()


def test_its_signer_signs_under_its_id_and_public_key(store: KeyStore) -> None:
    key = store.new("kp2mi")
    signed = key.signer().sign(bytes(16), [Signable(bytes(32), "case/X", b"")])[0]
    found = read_headers(signed.headers)
    assert isinstance(found, SignedBy)
    assert found.key_id == key.key_id
    assert VerifiedBatches().holds(key.public_key, found.signature, signed.digest)


def test_a_file_that_is_gone_when_it_is_read_is_said(store: KeyStore) -> None:
    store.new("kp2mi")
    (store.path / "kemlu-1.json").symlink_to(store.path / "nothing")
    with pytest.raises(BadFile, match=r"key file .*kemlu-1\.json"):
        store.get("kp2mi")


def test_of_several_keys_the_newest_is_used_even_if_the_clock_went_back(store: KeyStore) -> None:
    first = store.new("kp2mi")
    stored = json.loads(file_of(store, first).read_text())
    stored["created_at"] = "2999-01-01T00:00:00Z"
    file_of(store, first).write_text(json.dumps(stored))
    second = store.new("kp2mi")
    assert second.created_at > datetime(2999, 1, 1, tzinfo=UTC)
    assert [key.key_id for key in store.keys("kp2mi")] == [first.key_id, second.key_id]
    assert store.get("kp2mi") == second


def test_each_agency_has_its_own_keys(store: KeyStore) -> None:
    keys = [store.new(agency) for agency in ("kp2mi", "bp3mi-ntt", "bp3mi")]
    assert store.agencies() == ["bp3mi", "bp3mi-ntt", "kp2mi"]
    assert [store.get(key.agency) for key in keys] == keys


def test_a_root_key_is_no_agencys(store: KeyStore) -> None:
    assert store.root_key() is None
    key = store.new_root()
    assert store.root_key() == key
    assert store.agencies() == []
    with pytest.raises(BadInput, match="agency code"):
        store.new(ROOT)


def test_an_agency_may_be_called_root(store: KeyStore) -> None:
    store.new("root")
    assert store.agencies() == ["root"]
    assert store.root_key() is None


def test_an_agency_without_a_key_is_told_how_to_make_one(store: KeyStore) -> None:
    with pytest.raises(MissingKey, match="runut keys new kemlu"):
        store.get("kemlu")
    assert not store.path.exists()


@pytest.mark.parametrize("agency", ["a", "a" * 80, "x.y_z-9"])
def test_an_id_is_fit_for_the_directory_and_says_whose_key_it_is(
    store: KeyStore, agency: str
) -> None:
    key_id = store.new(agency).key_id
    assert ID_PATTERN.fullmatch(key_id)
    assert key_id.startswith(agency[:63])


@pytest.mark.parametrize("agency", ["", "KP2MI", "../x", "a" * 81, "a\n", ".hidden"])
def test_what_is_no_agency_code_gets_no_key(store: KeyStore, agency: str) -> None:
    with pytest.raises(BadInput, match="agency code"):
        store.new(agency)
    assert not store.path.exists()


def test_files_are_for_their_owner_alone_and_no_draft_stays(store: KeyStore) -> None:
    key = store.new("kp2mi")
    assert store.path.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in store.path.iterdir()] == [f"{key.key_id}.json"]
    assert file_of(store, key).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610])
def test_a_key_that_others_can_read_is_refused(store: KeyStore, mode: int) -> None:
    key = store.new("kp2mi")
    file_of(store, key).chmod(mode)
    with pytest.raises(BadFile, match=rf"chmod 600 .*{key.key_id}.*found {mode:o}"):
        store.get("kp2mi")


def test_a_store_that_others_can_enter_is_refused(store: KeyStore) -> None:
    store.new("kp2mi")
    store.path.chmod(0o750)
    with pytest.raises(BadFile, match=r"chmod 700 .*found 750"):
        store.get("kp2mi")
    with pytest.raises(BadFile, match=r"chmod 700 .*found 750"):
        store.new("bp3mi")


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "AAAA"},
        {"private_key": "no base64!"},
        {"key_id": "kp2mi-0000000000000000"},
        {"agency": "bp3mi"},
        {"created_at": "2025-01-01T00:00:00"},
        {"created_at": 1},
        {"more": 1},
    ],
)
def test_a_file_that_is_not_as_written_is_named(store: KeyStore, change: dict[str, Any]) -> None:
    key = store.new("kp2mi")
    stored = json.loads(file_of(store, key).read_text())
    file_of(store, key).write_text(json.dumps(stored | change))
    with pytest.raises(BadFile, match=str(file_of(store, key))):
        store.get("kp2mi")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_file_that_is_no_key_is_named(store: KeyStore, content: bytes) -> None:
    key = store.new("kp2mi")
    file_of(store, key).write_bytes(content)
    with pytest.raises(BadFile, match=str(file_of(store, key))):
        store.get("kp2mi")


def test_neither_a_key_nor_an_error_shows_the_private_part(store: KeyStore) -> None:
    key = store.new("kp2mi")
    stored = json.loads(file_of(store, key).read_text())
    secret = stored["private_key"]
    file_of(store, key).write_text(json.dumps(stored | {"key_id": "other"}))
    with pytest.raises(BadFile) as refused:
        store.get("kp2mi")
    for text in (repr(key), str(refused.value)):
        assert secret not in text
        assert key.private_key.private_bytes_raw().hex() not in text
