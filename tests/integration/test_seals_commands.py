"""`runut checkpoint`, `receipt`, `ledger show` and what `runut status` says of seals."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from projections.install import install
from runut import Producer
from runut.adapters.postgres import connected
from runut.directory import founded
from runut.event import SYSTEM
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.notes import Cosigner, NoteSigner, parse_note, verified
from runut.proofs import RecordProof
from runut.receipts import Statement, sign, statement
from runut.seal_key import seal_signer
from runut.settings import Settings
from tests.integration.sealing_stage import LEDGER, SealedLedger, seal_all
from tests.integration.test_intake import report
from tests.integration.test_look import Ended, runut


async def test_a_checkpoint_is_shown_as_it_was_signed(sealed: SealedLedger) -> None:
    one = sealed.seals[1]
    shown = (await runut(sealed.settings, "checkpoint", "--seal", "1", "--json")).document
    key = seal_signer(KeyStore(sealed.settings.keys), LEDGER).key
    note = parse_note(shown["note"].encode())
    assert (note.text, len(verified(note, [key]))) == (one.note.text, 1)
    newest = await runut(sealed.settings, "checkpoint")
    assert (newest.code, newest.out.startswith(f"{LEDGER}/seals\n")) == (0, True)


async def test_a_receipt_is_proved_against_the_record_in_kafka(sealed: SealedLedger) -> None:
    shown = (await runut(sealed.settings, "receipt", "directory:3", "--json")).document
    proof = msgspec.convert(shown["proof"], RecordProof)
    [record] = [one for one in sealed.log[sealed.settings.directory_topic, 0] if one.offset == 3]
    assert proof.entry.endswith(sha256(record.encoded()).digest())
    proof.demand()


async def recorded_in(settings: Settings, case: str) -> Statement:
    """What the gateway says of an event that it has just recorded."""
    event = from_json(report(case))
    async with Producer(settings) as producer:
        stored = await producer.emit_event(event)
        ledger = founded(producer.directories.latest.ledger)
    return statement(
        ledger_id=ledger.ledger_id,
        event_id=stored.event_id,
        agency=event.agency,
        subject=stored.subject,
        topic=stored.topic,
        partition=stored.partition,
        offset=stored.offset,
        recorded_at=stored.recorded_at,
        event_digest=stored.event_digest,
    )


async def held_to(settings: Settings, said: Statement, file: Path, **changed: Any) -> Ended:
    """`runut receipt FILE` of a statement, signed by the ledger's own key."""
    write_signed(settings, replace(said, **changed), file)
    return await runut(settings, "receipt", str(file))


def write_signed(settings: Settings, said: Statement, file: Path) -> None:
    [signed] = sign([said], KeyStore(settings.keys).keys(SYSTEM)[-1])
    file.write_bytes(msgspec.json.encode(signed))


async def test_a_promise_is_kept_where_a_seal_covers_the_event_in_time(
    sealed: SealedLedger, tmp_path: Path
) -> None:
    settings, file = sealed.settings, tmp_path / "receipt.json"
    said = await recorded_in(settings, "PROMISED-1")
    early = await held_to(settings, said, file)
    assert (early.code, "no seal covers it yet" in early.err) == (1, True), early
    late = await held_to(settings, said, file, included_by=said.recorded_at)
    assert (late.code, "found none that covers it" in late.err) == (4, True), late
    await seal_all(settings)
    kept = await held_to(settings, said, file)
    place = f"{said.topic}/{said.partition}:{said.offset}"
    assert (kept.code, place in kept.out) == (0, True), kept


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"offset": 0}, "expected it at .*:0, .* found event"),
        ({"offset": 10**9}, "found .*the end of the log"),
        ({"subject": "case/PROMISED-X"}, "found event"),
        ({"event_digest": "00" * 32}, "found event"),
        ({"recorded_at": "2020-01-01T00:00:00Z"}, "found event"),
        ({"included_by": "2020-01-01T00:00:00Z"}, "expected a seal by 2020"),
    ],
    ids=["other record", "dropped", "other subject", "changed", "backdated", "late"],
)
async def test_a_receipt_that_the_log_does_not_bear_out_is_evidence(
    sealed: SealedLedger, tmp_path: Path, changed: dict[str, Any], found: str
) -> None:
    said = await recorded_in(sealed.settings, "PROMISED-2")
    await seal_all(sealed.settings)
    ended = await held_to(sealed.settings, said, tmp_path / "receipt.json", **changed)
    assert ended.code == 4, ended
    assert re.search(f"^BROKEN: the receipt of event {said.event_id}, .*{found}", ended.err), ended


async def test_what_postgresql_says_beside_the_signed_seals_is_not_believed(
    sealed: SealedLedger, tmp_path: Path
) -> None:
    settings, file = sealed.settings, tmp_path / "receipt.json"
    said = await recorded_in(settings, "PROMISED-4")
    await seal_all(settings)
    kept = await held_to(settings, said, file)
    async with connected(settings, name="tests", autocommit=True) as connection:
        await connection.execute("GRANT UPDATE ON seal TO CURRENT_USER")  # whose table it is
        await connection.execute("UPDATE seal SET sealed_at = sealed_at + interval '1 hour'")
        try:
            later = await runut(settings, "receipt", str(file))
            assert (later.code, later.out) == (kept.code, kept.out) == (0, kept.out), later
        finally:
            await connection.execute("UPDATE seal SET sealed_at = sealed_at - interval '1 hour'")
            await connection.execute("REVOKE UPDATE ON seal FROM CURRENT_USER")


async def test_the_signatures_of_a_receipts_checkpoint_are_held_to_keys(
    sealed: SealedLedger, tmp_path: Path
) -> None:
    settings = sealed.settings
    shown = await runut(settings, "receipt", "directory:3")
    assert f"checkpoint signed by {LEDGER}/seals, whose key is here" in shown.out
    own = seal_signer(KeyStore(settings.keys), LEDGER).key
    forger = NoteSigner(own.name, Ed25519PrivateKey.generate()).key
    witness = Cosigner("nobody.example/witness", Ed25519PrivateKey.generate()).key
    policy = tmp_path / "trust.toml"
    for ledger, quorum, found in (
        (own, 0, "checkpoint signed by runut/seals, cosigned by nobody"),
        (forger, 0, "checkpoint: expected a signature of"),
        (own, 1, "cosignatures: expected of 1 trusted witnesses, found none"),
    ):
        policy.write_text(
            f'ledger = "{ledger}"\nroot_keys = ["{own.public_key.hex()}"]\n'
            f'witnesses = ["{witness}"]\nquorum = {quorum}\n'
        )
        ended = await runut(settings, "receipt", "directory:3", "--policy", str(policy))
        assert found in ended.out + ended.err, ended
        assert ended.code == (0 if found.startswith("checkpoint signed") else 1)
    elsewhere = settings.model_copy(update={"data": tmp_path / "elsewhere"})
    shown = await runut(elsewhere, "receipt", "directory:3")
    assert "checkpoint UNANCHORED: " in shown.out


async def test_what_the_ledger_did_not_sign_is_no_receipt(
    sealed: SealedLedger, tmp_path: Path
) -> None:
    settings, file = sealed.settings, tmp_path / "receipt.json"
    said = await recorded_in(settings, "PROMISED-3")
    await held_to(settings, said, file)
    file.write_bytes(file.read_bytes().replace(said.subject.encode(), b"case/ANOTHER"))
    ended = await runut(settings, "receipt", str(file))
    assert (ended.code, "signature of the receipt" in ended.err) == (1, True), ended
    other = await held_to(settings, said, file, ledger_id="00" * 16)
    assert (other.code, "ledger of the receipt" in other.err) == (1, True), other
    file.write_bytes(b"{}")
    ended = await runut(settings, "receipt", str(file))
    assert (ended.code, "a receipt as the gateway gives it" in ended.err) == (1, True), ended


async def test_what_is_not_sealed_yet_is_said_so(sealed: SealedLedger) -> None:
    ended = await runut(sealed.settings, "receipt", "0:999999")
    assert (ended.code, ended.out) == (1, "")
    assert "no seal covers it yet" in ended.err


async def test_the_ledger_shows_the_key_that_a_trust_policy_names(sealed: SealedLedger) -> None:
    shown = (await runut(sealed.settings, "ledger", "show", "--json")).document
    assert shown["seal_key"] == str(seal_signer(KeyStore(sealed.settings.keys), LEDGER).key)
    assert shown["seal_key"].startswith(f"{LEDGER}/seals+")


async def test_a_ledger_is_not_founded_again_under_another_name(sealed: SealedLedger) -> None:
    ended = await runut(sealed.settings, "ledger", "create", "--name", "other")
    assert ended.code == 1
    assert f"expected to found other, found {LEDGER} founded here" in ended.err


async def test_status_says_what_is_sealed_and_that_nobody_seals(sealed: SealedLedger) -> None:
    await seal_all(sealed.settings)
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        await install(connection, sealed.settings)
    found = (await runut(sealed.settings, "status", "--json")).document
    seals = found["checkpoint"]
    assert seals["index"] >= sealed.seals[-1].seal.index
    assert (seals["unsealed"], seals["sealing"]) == (0, False)
    assert "nobody seals: start a sealer with runut up or runut sealer" in found["warnings"]
