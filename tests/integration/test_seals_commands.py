"""`runut checkpoint`, `receipt`, `ledger show` and what `runut status` says of seals."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from projections.install import install
from runut.adapters.postgres import connected
from runut.keystore import KeyStore
from runut.notes import parse_note, verified
from runut.proofs import RecordProof
from runut.seal_key import seal_signer
from tests.integration.sealing_stage import LEDGER, SealedLedger
from tests.integration.test_look import runut


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


async def test_what_is_not_sealed_yet_is_said_so(sealed: SealedLedger) -> None:
    ended = await runut(sealed.settings, "receipt", "0:999999")
    assert (ended.code, ended.out) == (1, "")
    assert "no seal covers it yet" in ended.err


async def test_the_ledger_shows_the_key_that_a_trust_policy_names(sealed: SealedLedger) -> None:
    shown = (await runut(sealed.settings, "ledger", "show", "--json")).document
    assert shown["seal_key"] == str(seal_signer(KeyStore(sealed.settings.keys), LEDGER).key)
    assert shown["seal_key"].startswith(f"{LEDGER}/seals+")


async def test_status_says_what_is_sealed_and_that_nobody_seals(sealed: SealedLedger) -> None:
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        await install(connection, sealed.settings)
    found = (await runut(sealed.settings, "status", "--json")).document
    seals = found["checkpoint"]
    assert seals["index"] >= sealed.seals[-1].seal.index
    assert (seals["unsealed"], seals["sealing"]) == (0, False)
    assert "nobody seals: start a sealer with runut up or runut sealer" in found["warnings"]
