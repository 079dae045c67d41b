"""Trust policies: what the file holds, and that each mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.policy import Policy, parse_policy, read_policy
from runut.errors import BadFile, BadInput
from runut.notes import Cosigner, NoteSigner, SignatureType, VerifierKey, verifier_key


def private_key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))


def public_key(number: int) -> bytes:
    return private_key(number).public_key().public_bytes_raw()


def witness(name: str, number: int) -> VerifierKey:
    return Cosigner(name, private_key(number)).key


LEDGER = NoteSigner("nusantara/seals", private_key(1)).key
KP2MI, NGO = witness("kp2mi/witness", 2), witness("ngo/witness", 3)
ROOT = public_key(4)


def text(
    ledger: object = LEDGER,
    root_keys: object = f'["{ROOT.hex()}"]',
    witnesses: object = f'["{KP2MI}", "{NGO}"]',
    quorum: object = 2,
) -> str:
    return (
        f'ledger = "{ledger}"\nroot_keys = {root_keys}\n'
        f"witnesses = {witnesses}\nquorum = {quorum}\n"
    )


def test_a_policy_names_ledger_roots_witnesses_and_quorum(tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    file.write_text("# whom we trust\n" + text())
    assert read_policy(file) == Policy(LEDGER, frozenset([ROOT]), (KP2MI, NGO), 2)


def test_a_policy_may_do_without_witnesses() -> None:
    given = f'ledger = "{LEDGER}"\nroot_keys = ["{ROOT.hex()}"]\nquorum = 0\n'
    assert parse_policy(given).witnesses == ()


@pytest.mark.parametrize(
    ("given", "thing", "expected"),
    [
        ("ledger = ", "policy", "TOML"),
        (text() + 'trusted = "all"\n', "policy", "ledger, root_keys, witnesses, quorum"),
        (text().replace("quorum = 2\n", ""), "policy", "ledger, root_keys, witnesses, quorum"),
        (text(quorum='"two"'), "policy", "ledger, root_keys, witnesses, quorum"),
        (text(quorum=3), "quorum", "0 to 2"),
        (text(quorum=-1), "quorum", "0 to 2"),
        (text(ledger="nusantara/seals"), "ledger 'nusantara/seals'", "NAME"),
        (text(ledger=KP2MI), "ledger kp2mi/witness", "type 0x01"),
        (text(ledger=NoteSigner("nusantara", private_key(1)).key), "ledger", "log of seals"),
        (text(witnesses=f'["{LEDGER}"]'), "witness nusantara/seals", "type 0x04"),
        (text(witnesses='["kp2mi+1234+abc"]'), "witness 'kp2mi+1234+abc'", "base64"),
        (text(root_keys="[]"), "root_keys", "at least one"),
        (text(root_keys='["beef"]'), "root key", "64 hex digits"),
        (text(root_keys=f'["{ROOT.hex().upper()}"]'), "root key", "lower case"),
        (text(root_keys=f'["{"0" * 64}"]'), "root key", "Ed25519"),
        (text(root_keys='["no hex"]'), "root key", "64 hex digits"),
    ],
)
def test_what_is_wrong_in_a_policy_is_named(given: str, thing: str, expected: str) -> None:
    with pytest.raises(BadInput) as found:
        parse_policy(given)
    assert found.value.thing.startswith(thing)
    assert expected in found.value.expected


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (witness("kp2mi/witness", 3), "a name of its own"),
        (verifier_key("ngo/witness", SignatureType.COSIGNATURE, public_key(2)), "a public_key"),
    ],
)
def test_one_witness_does_not_count_twice(second: VerifierKey, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        parse_policy(text(witnesses=f'["{KP2MI}", "{second}"]'))


def test_an_error_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    with pytest.raises(BadFile, match=r"trust\.toml: expected a readable file"):
        read_policy(file)
    file.write_bytes(b"\xff")
    with pytest.raises(BadFile, match="UTF-8"):
        read_policy(file)
    file.write_text(text(quorum=3))
    with pytest.raises(BadFile, match=r"quorum in .*trust\.toml: expected 0 to 2"):
        read_policy(file)
