"""Attacks on bundles: each is refused at a step, which names what is wrong."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from zipfile import ZipFile
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import bundle as files
from audit.bundle import Bundle, Evidence, read_bundle
from audit.policy import Policy
from audit.verify import VerificationFailed, Verified, verify_bundle
from audit.witnessed_time import directory_times
from runut.directory import known_schema
from runut.json_form import from_json
from runut.log_reader import PartitionReader
from runut.merkle_map import MapLeaf
from runut.notes import Note, NoteSigner, parse_note
from runut.outgoing import Envelope, known_schema_ids
from runut.partitioner import partition_of
from runut.records import CREATE_TIME, RawRecord
from runut.rfc3339 import format_time
from runut.seals import origin_of
from runut.signing import Signer
from tests import sealed
from tests.builders import PARTITIONS
from tests.sealed import (
    CASE,
    DIRECTORY,
    SEALER,
    WITNESSES,
    Sealed,
    chained,
    key_of,
    rewritten,
    written,
)


@cache
def ledger() -> Sealed:
    """Sealed before and after the story, and once more with what came later."""
    found = Sealed()
    found.announce()
    found.seal()
    found.tell()
    found.seal()
    return found


@cache
def genuine() -> bytes:
    return ledger().bundle()


def policy(**changes: object) -> Policy:
    founded = ledger().log().latest.ledger
    assert founded is not None
    given = {
        "ledger": SEALER.key,
        "root_keys": frozenset(founded.root_keys),
        "witnesses": tuple(one.key for one in WITNESSES),
        "quorum": 2,
    }
    return Policy(**{**given, **changes})  # type: ignore[arg-type]


def verified(data: bytes) -> Verified:
    return verify_bundle(data, policy())


def refused(data: bytes, step: int, match: str, trust: Policy | None = None) -> None:
    with pytest.raises(VerificationFailed, match=match) as failed:
        verify_bundle(data, trust or policy())
    assert failed.value.step == step, failed.value


def taken_apart() -> Bundle:
    return read_bundle(genuine())


def with_evidence(change: Callable[[Evidence], Evidence], **more: bytes) -> bytes:
    """The bundle with other evidence, and a manifest that agrees."""
    evidence = change(taken_apart().evidence)
    return rewritten(genuine(), evidence_json=files.to_json(evidence), **more)


def with_records(change: Callable[[list[RawRecord]], list[RawRecord]]) -> bytes:
    """The bundle with other records; places and counts are those that fit them."""
    records = change(list(taken_apart().records))
    kept = {one.offset: one for one in taken_apart().evidence.records}
    places = tuple(kept[one.offset] for one in records if one.offset in kept)
    return with_evidence(
        lambda evidence: msgspec.structs.replace(evidence, records=places),
        records_bin=files.records_file(records),
    )


def test_a_genuine_bundle_holds_at_every_step_and_has_the_same_bytes_each_time() -> None:
    found = verified(genuine())
    assert {one.status for one in found.checks} == {"HOLDS"}
    assert (found.anchored, found.seal, found.subject) == (True, 1, CASE)
    assert ledger().bundle() == genuine()


def test_without_a_policy_it_holds_together_and_is_not_anchored() -> None:
    found = verify_bundle(genuine(), None)
    assert not found.anchored
    assert [one.step for one in found.checks if one.status == "UNANCHORED"] == [2, 5, 9]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_byte_flipped_anywhere_is_refused(data: st.DataObject) -> None:
    whole = bytearray(genuine())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VerificationFailed):
        verified(bytes(whole))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_byte_flipped_in_a_file_is_refused_even_if_the_manifest_agrees(
    data: st.DataObject,
) -> None:
    found = files.unpack(genuine())
    name = data.draw(st.sampled_from(sorted(found.keys() - {files.MANIFEST})))
    content = bytearray(found[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    manifest = files.from_json(found.pop(files.MANIFEST), files.Manifest, files.MANIFEST)
    with pytest.raises(VerificationFailed):
        verified(files.write_bundle(manifest, {**found, name: bytes(content)}))


def test_what_is_no_bundle_is_refused() -> None:
    for data in (b"", b"PK", genuine()[:-1], genuine() + b"\0", genuine() * 2):
        refused(data, 1, "bundle")


@pytest.mark.parametrize("at", [b"PK\x03\x04", b"PK\x01\x02"])
def test_a_file_that_is_said_to_be_encrypted_is_refused(at: bytes) -> None:
    data, flags = bytearray(genuine()), 6 if at == b"PK\x03\x04" else 8
    data[genuine().index(at) + flags] |= 1
    refused(bytes(data), 1, "bundle")


@pytest.mark.parametrize("name", ["../../.ssh/authorized_keys", "PUTUSAN-RESMI.pdf", "report.HTML"])
def test_a_file_that_no_record_accounts_for_is_refused(name: str) -> None:
    found = files.unpack(genuine())
    manifest = files.from_json(found.pop(files.MANIFEST), files.Manifest, files.MANIFEST)
    more = files.write_bundle(manifest, {**found, name: b"%PDF"})
    refused(more, 1, f"files of the bundle: .* alone, found {re.escape(name)}")
    schema = files.write_bundle(manifest, {**found, f"{files.SCHEMAS}../{name}": b"{}"})
    refused(schema, 11, "schemas/ of the bundle")


@pytest.mark.parametrize(
    ("names", "match"),
    [([b"a"] * 300, "a in the bundle: expected once"), ([b"a", b"b"], "files of the bundle")],
    ids=["doubled", "in one another"],
)
def test_an_archive_that_grows_when_it_is_read_is_refused_before(
    names: list[bytes], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(1 << 16)
    about = crc32(content), len(content), len(content)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, *about, 1, 0) + b"a" + content
    entries = b"".join(
        struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, *about, 1, *[0] * 6)
        + name
        for name in names
    )
    count, at = len(names), len(local)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(entries), at, 0)
    monkeypatch.setattr(ZipFile, "read", None)
    refused(local + entries + end, 1, match)


def test_an_event_that_was_dropped_is_missed_wherever_it_stood() -> None:
    for at in (0, 5, -1):
        dropped = with_records(lambda found, at=at: [one for one in found if one != found[at]])  # type: ignore[misc]
        refused(dropped, 7, f"records of {CASE}: expected 19, of one chain, found 18")


def test_the_last_event_cannot_be_dropped_by_claiming_a_shorter_chain() -> None:
    fewer = taken_apart().records[:-1]
    chain = sealed.chained(fewer, CASE)
    claimed = with_evidence(
        lambda evidence: msgspec.structs.replace(
            evidence,
            records=evidence.records[:-1],
            of_subject=msgspec.structs.replace(
                evidence.of_subject, count=chain.count, chain_head=chain.chain_head
            ),
        ),
        records_bin=files.records_file(fewer),
    )
    refused(claimed, 7, "map proof: expected to lead to root")


def test_a_subject_cannot_be_denied() -> None:
    def denied(evidence: Evidence) -> Evidence:
        true = evidence.of_subject
        assert true.chain_head is not None
        other = MapLeaf(sealed.key_hash(b"case/OTHER"), sealed.Chain(true.count, true.chain_head))
        nothing = msgspec.structs.replace(true, count=0, chain_head=None, other=other)
        return msgspec.structs.replace(evidence, records=(), of_subject=nothing)

    refused(with_evidence(denied, records_bin=b""), 7, "map proof|proof of")


def test_a_subject_cannot_be_denied_by_the_map_of_the_directory() -> None:
    subject = next(
        one
        for one in (f"case/BP3MI-NTT-2025-{n:04d}" for n in range(1000))
        if partition_of(one.encode(), PARTITIONS) == 0
    )
    found = Sealed()
    found.announce()
    found.tell(subject=subject)
    found.seal()
    nothing = Evidence(
        *(found.seal_proof(0), (), ()),
        *(chained(found.directory, subject), chained(found.directory, files.markers_key(0)), ()),
    )
    forged = written(found, subject, found.seals[0], nothing, ())
    refused(rewritten(forged, topic=DIRECTORY), 5, "trees of the seal")
    assert verified(found.bundle(subject)).subject == subject


@pytest.mark.parametrize("end", ["\u200b", " ", "\n1. VERIFIED", "\x1b[8m", "/../X"])
def test_a_subject_that_looks_like_another_is_refused(end: str) -> None:
    refused(rewritten(genuine(), subject=CASE + end), 1, "subject of the bundle")


def test_of_a_subject_without_records_it_is_said_loudly() -> None:
    subject = next(
        one
        for one in (f"case/NOBODY-{n}" for n in range(1000))
        if partition_of(one.encode(), PARTITIONS) == partition_of(CASE.encode(), PARTITIONS)
    )
    says = verified(ledger().bundle(subject)).checks[6].says
    assert says == f"NONE: the ledger has no record of {subject}"


def test_events_doubled_or_reordered_are_refused() -> None:
    refused(with_records(lambda found: [*found, found[-1]]), 7, "proof of|records of|places of")
    refused(with_records(lambda found: [found[1], found[0], *found[2:]]), 7, "records of")


def test_an_event_changed_or_backdated_is_refused() -> None:
    def earlier(found: list[RawRecord]) -> list[RawRecord]:
        first = msgspec.structs.replace(found[0], timestamp_ms=found[0].timestamp_ms - 86_400_000)
        return [first, *found[1:]]

    def forged(found: list[RawRecord]) -> list[RawRecord]:
        return [msgspec.structs.replace(found[0], value=found[1].value), *found[1:]]

    for change in (earlier, forged):
        refused(with_records(change), 7, r"proof of runut.events/\d:\d+: expected a path")


def test_a_clock_that_a_place_claims_cannot_run_before_the_record() -> None:
    def claimed(evidence: Evidence) -> Evidence:
        first, *rest = evidence.records
        early = msgspec.structs.replace(first, recorded_at_ms=first.recorded_at_ms - 1)
        return msgspec.structs.replace(evidence, records=(early, *rest))

    refused(with_evidence(claimed), 8, "time of record")


def revocation() -> dict[str, Any]:
    """A record of the directory: one of the agencies' keys is no good any more."""
    code, key_id = "kp2mi", "kp2mi-1"
    data = {"agency": code, "key_id": key_id, "revoked_at": sealed.START, "reason": "hilang"}
    return {
        **next(one for one in sealed.directory_objects() if one["type"] == "AgencyRegistered"),
        "type": "AgencyKeyRevoked",
        "subject": f"agency/{code}",
        "event_id": "0197bbbb-0000-7000-8000-000000000001",
        "data": data,
    }


def test_a_directory_without_a_revocation_or_with_another_key_is_refused() -> None:
    other = Sealed()
    other.directory = list(sealed.directory_with_keys([revocation()]))
    other.announce()
    other.tell()
    other.seal()
    bundle = read_bundle(other.bundle())
    found = verify_bundle(other.bundle(), policy())
    assert "KEY_REVOKED" in found.checks[7].says
    left_out = files.records_file(bundle.directory[:-1])
    refused(rewritten(other.bundle(), directory_bin=left_out), 4, "records of runut.directory/0")
    swapped = list(bundle.directory)
    swapped[-2] = msgspec.structs.replace(swapped[-2], value=swapped[-3].value)
    changed = files.records_file(swapped)
    refused(rewritten(other.bundle(), directory_bin=changed), 4, "records of runut.directory/0")


def test_a_directory_held_back_behind_its_marker_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever seals a marker without what it announces has events judged as of before."""
    whole = list(sealed.directory_with_keys([revocation()]))
    found = Sealed()
    found.directory = whole
    found.announce()
    found.tell()
    found.directory = whole[:-1]
    found.seal()
    with monkeypatch.context() as forger:
        forger.setattr(PartitionReader, "is_ahead", lambda *_: False)
        bundle = found.bundle()
    refused(bundle, 8, "directory that the marker")
    found.directory = whole
    found.seal()
    unwatched = verify_bundle(found.bundle(), policy(witnesses=(), quorum=0))
    assert "KEY_REVOKED" in unwatched.checks[7].says
    # A record that came before a seal without it was held back, and that is shown ever after.
    refused(found.bundle(), 9, "time of record runut.directory/0:118: expected not before the seal")


def test_a_marker_left_out_is_missed() -> None:
    def without(evidence: Evidence) -> Evidence:
        return msgspec.structs.replace(evidence, markers=())

    refused(with_evidence(without, markers_bin=b""), 6, "records of directory/")


REOPENED = {
    "type": "CaseReopened",
    "subject": CASE,
    "agency": "kp2mi",
    "occurred_at": sealed.START,
    "event_id": "0197cccc-0000-7000-8000-000000000001",
    "data": {"reason": "Baru."},
}


def told() -> Sealed:
    """A ledger whose story was told and not yet sealed."""
    found = Sealed()
    found.announce()
    found.tell()
    return found


def judged(found: Sealed) -> list[tuple[str, list[str]]]:
    """Verdict and codes of each event of the case, by a bundle that verifies."""
    found.seal()
    data = found.bundle()
    verify_bundle(data, policy())
    history = msgspec.json.decode(read_bundle(data).history)
    return [(one["verdict"], one["codes"]) for one in history]


def test_an_event_signed_by_another_agency_s_key_counts_for_nothing() -> None:
    found = told()
    found.emit(REOPENED, signer=Signer("kp2mi-1", key_of("polri")))
    found.emit(REOPENED, signer=Signer("polri-1", key_of("polri")))
    assert judged(found)[-2:] == [
        ("IRREGULAR", ["SIGNATURE_INVALID"]),
        ("IRREGULAR", ["KEY_UNKNOWN"]),
    ]


def test_an_event_of_another_ledger_counts_for_nothing() -> None:
    found = told()
    event = from_json(REOPENED)
    elsewhere = Envelope(b"\7" * 16, known_schema_ids(found.log().latest))
    signer = Signer("kp2mi-1", key_of("kp2mi"))
    [foreign] = elsewhere.seal([elsewhere.draft(event)], signer)
    found.append(foreign, sealed.partition_of(CASE.encode(), 8))
    assert judged(found)[-1] == ("IRREGULAR", ["SIGNATURE_INVALID"])


def test_a_signed_event_sent_again_changes_nothing() -> None:
    found = told()
    record = found.events[sealed.partition_of(CASE.encode(), 8)][1]
    found.append(record, record.partition)
    assert judged(found)[-1] == ("DUPLICATE", [])


def test_a_signed_event_sent_on_another_subject_is_no_event_there() -> None:
    found = told()
    of_case = sealed.partition_of(CASE.encode(), 8)
    other = found.emit({**REOPENED, "subject": "case/OTHER"})
    found.append(msgspec.structs.replace(other, key=CASE.encode()), of_case)
    found.seal()
    said = verified(found.bundle()).checks[7].says
    assert said.startswith("19 VALID")
    assert "1 records that are no event" in said


def test_a_forged_copy_ahead_of_the_genuine_event_does_not_take_its_place() -> None:
    found = told()
    found.emit(REOPENED, signer=Signer("kp2mi-1", key_of("polri")))
    found.emit(REOPENED)
    assert judged(found)[-2:] == [("IRREGULAR", ["SIGNATURE_INVALID"]), ("EFFECTIVE", [])]


def test_a_signed_event_caught_and_sent_ahead_of_the_genuine_one_counts_once() -> None:
    found = told()
    record = found.emit(REOPENED)
    found.append(record, record.partition)
    assert judged(found)[-2:] == [("EFFECTIVE", []), ("DUPLICATE", [])]


def test_a_forged_checkpoint_is_refused() -> None:
    forger = NoteSigner(origin_of(sealed.LEDGER), key_of("forger"))

    def forged(evidence: Evidence) -> Evidence:
        text = evidence.seal.checkpoint().text()
        note = Note(text, (forger.sign(text),)).to_bytes().decode()
        return _noted(evidence, note)

    refused(with_evidence(forged), 2, "checkpoint: expected a signature of test/seals")


def test_too_few_cosignatures_and_witnesses_nobody_trusts_are_refused() -> None:
    def by_one(evidence: Evidence) -> Evidence:
        note = parse_note(evidence.seal.note.encode())
        return _noted(evidence, Note(note.text, note.signatures[:2]).to_bytes().decode())

    refused(with_evidence(by_one), 2, "cosignatures: expected of 2 trusted witnesses")
    strangers = policy(witnesses=tuple(one.key for one in WITNESSES[:1]))
    refused(genuine(), 2, "cosignatures", strangers)


def test_an_old_checkpoint_with_a_newer_tree_is_refused() -> None:
    def old(evidence: Evidence) -> Evidence:
        return _noted(evidence, ledger().notes[0].to_bytes().decode())

    refused(with_evidence(old), 3, "proof of seal 1")


def test_another_ledger_with_its_own_keys_is_refused_by_the_policy() -> None:
    stranger = policy(root_keys=frozenset({sealed.public(key_of("another root"))}))
    refused(genuine(), 5, "root keys of the ledger", stranger)


def test_a_record_backdated_by_a_changed_clock_between_two_seals_is_refused() -> None:
    found = Sealed()
    found.announce()
    found.now += timedelta(days=30)
    found.seal()
    found.now -= timedelta(days=2)  # the operator sets the brokers' clock back
    found.tell()
    found.now += timedelta(days=2)
    found.seal()
    refused(found.bundle(), 9, "time of record .*: expected not before the seal without it")


def test_a_directory_record_put_after_a_seal_that_has_it_is_refused() -> None:
    found = Sealed()
    later = found.directory[-1].timestamp_ms + 40_000 * 86_400_000
    found.directory[-1] = msgspec.structs.replace(found.directory[-1], timestamp_ms=later)
    found.announce()
    found.seal()
    refused(found.bundle(), 9, "time of record runut.directory/0:.*: expected not after the seal")


def test_a_directory_record_put_before_a_seal_without_it_is_refused() -> None:
    found = told()
    known, found.directory = found.directory, found.directory[:-1]
    found.seal()
    found.directory = known
    found.seal()
    refused(found.bundle(), 9, "time of record runut.directory/0:.*: expected not before the seal")


def test_directory_records_of_no_clock_that_counts_have_no_time() -> None:
    founded = ledger().log().latest.ledger
    assert founded is not None
    by_emitter = [
        msgspec.structs.replace(one, timestamp_type=CREATE_TIME) for one in ledger().directory
    ]
    assert directory_times(by_emitter, founded) == []
    test = msgspec.structs.replace(founded, clock="TEST")
    assert directory_times(by_emitter, test) == directory_times(ledger().directory, test) == []
    assert len(directory_times(ledger().directory, founded)) == len(by_emitter)


def test_backdated_records_are_not_held_where_the_seals_before_them_are_left_out() -> None:
    found = Sealed()
    found.announce()
    found.now += timedelta(days=400)
    found.seal()
    found.now -= timedelta(days=365)
    found.tell()
    found.now += timedelta(days=365)
    found.seal()
    refused(found.bundle(), 9, "time of record .*: expected not before the seal without it")
    evidence = msgspec.structs.replace(read_bundle(found.bundle()).evidence, witnessed=())
    check = verified(rewritten(found.bundle(), evidence_json=files.to_json(evidence))).checks[8]
    assert (check.status, check.says[:20]) == ("NOT_SHOWN", "time not witnessed o")


@pytest.mark.parametrize("ms", [10**17, -(10**15), 1 << 62, -(1 << 62)])
def test_a_time_beyond_all_years_is_refused(ms: int) -> None:
    def change(evidence: Evidence) -> Evidence:
        first, *others = evidence.records
        moved = msgspec.structs.replace(first, recorded_at_ms=ms)
        return msgspec.structs.replace(evidence, records=(moved, *others))

    refused(with_evidence(change), 8, "time: expected milliseconds|time of record")


def test_a_witness_of_a_time_beyond_all_years_does_not_count() -> None:
    found = told()
    found.seal(WITNESSES[:2])
    note, checkpoint = found.notes[-1], found.checkpoint(1)
    for time_s in (2**62, 253402300799):
        absurd = WITNESSES[2].cosign(checkpoint, time_s)
        found.notes[-1] = Note(note.text, (*note.signatures, absurd))
        says = verified(found.bundle()).checks[1].says
        assert says.endswith("cosigned by witness-0.example, witness-1.example")
        refused(found.bundle(), 2, "of 3 trusted witnesses", policy(quorum=3))


def test_without_cosignatures_time_is_not_witnessed() -> None:
    found = Sealed()
    found.announce()
    found.tell()
    found.seal(witnesses=())
    lenient = policy(quorum=0)
    checks = verify_bundle(found.bundle(), lenient).checks
    assert checks[8].status == "NOT_SHOWN"
    assert "time not witnessed" in checks[8].says


def test_a_schema_written_canonically_has_the_hash_that_the_directory_announces() -> None:
    bundle, directory = taken_apart(), ledger().log().latest
    used = {int.from_bytes((one.value or b"")[1:5]) for one in bundle.records}
    documents = map(json.loads, bundle.schemas.values())
    texts = [
        json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for one in documents
    ]
    announced = {known_schema(directory, one).sha256 for one in used}
    assert {sha256(one.encode()).digest() for one in texts} == announced


def test_state_history_or_report_that_the_records_do_not_give_are_refused() -> None:
    state = taken_apart().state.replace(b'"kp2mi"', b'"polri"')
    refused(rewritten(genuine(), state_json=state), 10, "state in the bundle")
    history = taken_apart().history.replace(b'"EFFECTIVE"', b'"IRREGULAR"')
    refused(rewritten(genuine(), history_json=history), 10, "history in the bundle")
    report = taken_apart().reports["report.html"].replace(b"ditutup", b"dibuka")
    refused(rewritten(genuine(), report_html=report), 11, "report.html")


def test_a_bundle_of_another_subject_or_place_is_refused() -> None:
    refused(rewritten(genuine(), subject="case/OTHER"), 5, "partition of case/OTHER|records of")
    refused(rewritten(genuine(), seal=0), 3, "seal of the bundle")
    refused(rewritten(genuine(), ledger_id="00" * 16), 3, "ledger of the seal")


def test_an_older_seal_than_asked_for_is_refused() -> None:
    at = verified(genuine()).sealed_at
    assert verify_bundle(genuine(), policy(), not_before=at).seal == 1
    later = at + timedelta(seconds=1)
    expected = (
        f"time of the seal: expected not before {format_time(later)}, found {format_time(at)}"
    )
    with pytest.raises(VerificationFailed, match=re.escape(expected)):
        verify_bundle(genuine(), policy(), not_before=later)


def _noted(evidence: Evidence, note: str) -> Evidence:
    return msgspec.structs.replace(evidence, seal=msgspec.structs.replace(evidence.seal, note=note))
