"""Signed notes: the examples of C2SP's texts, and every other way to write one refused.

What Go's packages say of many more is in test_golden_logs.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from runut import notes
from runut.errors import BadInput
from runut.merkle import EMPTY_ROOT, leaf_hash
from runut.notes import (
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    SignatureType,
    Signed,
    parse_checkpoint,
    parse_note,
    parse_signatures,
    parse_verifier_key,
    verifier_key,
)

# The example of c2sp.org/signed-note.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
TEXT = "This is an example message.\n"
SIGNATURE = (
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}".encode()

LOG = NoteSigner("ledger/seals", Ed25519PrivateKey.from_private_bytes(bytes(32)))
ANNE = Cosigner("kp2mi/witness", Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)))
BUDI = Cosigner("ngo/witness", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)))
POINT = Checkpoint("ledger/seals", 7, leaf_hash(b"seven"))
unhurried = settings(deadline=None)


def cosigned(time_s: int = 1_700_000_000) -> Note:
    text = POINT.text()
    return Note(text, (LOG.sign(text), ANNE.cosign(POINT, time_s)))


def test_the_example_of_the_specification_verifies() -> None:
    key = parse_verifier_key(VKEY)
    assert (key.name, key.type, key.key_hash.hex()) == (
        "example.com/foo",
        SignatureType.NOTE,
        "530d903a",
    )
    assert str(key) == VKEY
    note = parse_note(NOTE)
    assert note.text == TEXT
    assert note.to_bytes() == NOTE
    assert notes.verified(note, [key]) == (Signed(key, None),)


def test_a_checkpoint_is_three_lines() -> None:
    example = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    point = parse_checkpoint(example)
    assert (point.origin, point.size) == ("example.com/behind-the-sofa", 20852163)
    assert point.text() == example


def test_a_cosignature_says_when() -> None:
    found = notes.verified(cosigned(), [ANNE.key, LOG.key])
    assert found == (Signed(LOG.key, None), Signed(ANNE.key, 1_700_000_000))


def test_what_a_cosigner_signs_is_as_specified() -> None:
    line = ANNE.cosign(POINT, 1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{POINT.text()}".encode()
    private_key = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    assert line.signature == (1679315147).to_bytes(8) + private_key.sign(message)


def test_signatures_by_others_are_ignored_even_under_the_same_name_or_hash() -> None:
    same_name = Cosigner(ANNE.key.name, Ed25519PrivateKey.from_private_bytes(bytes([3] * 32)))
    assert notes.verified(cosigned(), [BUDI.key, same_name.key]) == ()
    other_name = verifier_key("another", ANNE.key.type, ANNE.key.public_key)
    assert notes.verified(cosigned(), [other_name]) == ()


def test_a_key_for_notes_is_not_one_for_cosignatures() -> None:
    as_note_key = verifier_key(ANNE.key.name, SignatureType.NOTE, ANNE.key.public_key)
    assert as_note_key.key_hash != ANNE.key.key_hash
    assert notes.verified(cosigned(), [as_note_key]) == ()


def test_a_signature_that_does_not_verify_spoils_the_note() -> None:
    good = cosigned()
    other_text = Checkpoint("ledger/seals", 8, POINT.root).text()
    for key in (LOG.key, ANNE.key):
        with pytest.raises(BadInput, match=f"signature of {key.name}"):
            notes.verified(Note(other_text, good.signatures), [key])


def test_a_witness_may_cosign_again_later() -> None:
    note = cosigned(1000).signed_also([ANNE.cosign(POINT, 2000), ANNE.cosign(POINT, 1000)])
    assert len(note.signatures) == 3  # the repeated one was there
    assert [one.time_s for one in notes.verified(note, [ANNE.key])] == [1000, 2000]


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_nobody_cosigns_at_an_impossible_time(time_s: int) -> None:
    with pytest.raises(BadInput, match="time of a cosignature"):
        ANNE.cosign(POINT, time_s)


def test_a_cosignature_of_an_impossible_time_does_not_verify() -> None:
    private_key = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    message = f"cosignature/v1\ntime {2**63}\n{POINT.text()}".encode()
    stamped = (2**63).to_bytes(8) + private_key.sign(message)
    forged = notes.NoteSignature(ANNE.key.name, ANNE.key.key_hash, stamped)
    assert ANNE.key.verified(POINT.text(), forged) is None


@unhurried
@given(st.data())
def test_a_flipped_bit_never_gives_another_note_that_verifies(data: Any) -> None:
    content = bytearray(cosigned().to_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    try:
        found = notes.verified(parse_note(bytes(content)), [LOG.key, ANNE.key])
    except BadInput:
        return
    # Only a name or hash was changed: the line is another's now, and counts for nobody.
    assert len(found) == 1


@unhurried
@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32)).map(lambda s: s + "\n"))
def test_a_signed_note_is_read_back_as_it_was_written(text: str) -> None:
    note = Note(text, (LOG.sign(text),))
    assert parse_note(note.to_bytes()) == note
    assert notes.verified(note, [LOG.key]) == (Signed(LOG.key, None),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\n\n" + SIGNATURE.encode(),
        TEXT.encode(),
        TEXT.encode() + b"\n",
        NOTE[:-1],
        NOTE + b"\n",
        NOTE.replace(b"example message", b"example\tmessage"),
        NOTE.replace("— ".encode(), b"- "),
        NOTE.replace(b"example.com/foo ", b"example.com/foo  "),
        NOTE.replace(b"example.com/foo", b"example.com+foo"),
        NOTE.replace(b"example.com/foo", "example.com\u2003foo".encode()),
        NOTE.replace(b"example.com/foo ", b" "),
        NOTE.replace(b"yaQM=", b"yaQN="),
        NOTE.replace(b"yaQM=", b"yaQM"),
        f"{TEXT}\n— example.com/foo Uw2QOg==\n".encode(),
        f"{TEXT}\n".encode() + SIGNATURE.encode() * 101,
        b"x" * 1_000_001,
    ],
)
def test_what_is_no_signed_note_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        parse_note(content)


def test_a_text_may_have_empty_lines() -> None:
    text = "one\n\n\ntwo\n"
    assert parse_note(Note(text, (LOG.sign(text),)).to_bytes()).text == text


@pytest.mark.parametrize("text", ["no newline", "", "tab\t\n"])
def test_what_is_no_text_is_not_signed(text: str) -> None:
    with pytest.raises(BadInput, match="text of a note"):
        LOG.sign(text)


ROOT = base64.b64encode(EMPTY_ROOT).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"origin\n0\n{ROOT}",
        f"origin\n0\n{ROOT}\nextension\n",
        f"\n0\n{ROOT}\n",
        f"origin\n00\n{ROOT}\n",
        f"origin\n-1\n{ROOT}\n",
        f"origin\n+1\n{ROOT}\n",
        f"origin\n٣\n{ROOT}\n",
        f"origin\n²\n{ROOT}\n",
        f"origin\n\n{ROOT}\n",
        f"origin\n{'9' * 5000}\n{ROOT}\n",
        f"origin\n{2**63}\n{ROOT}\n",
        f"origin\n0\n{ROOT[:-1]}\n",
        f"origin\n0\n{ROOT[:-2]}V=\n",
        "origin\n0\nAAAA\n",
        "origin\n0\n\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("foo", "fop"),
        VKEY.replace("AekyeRrm", "BekyeRrm"),
        VKEY + "=",
        VKEY[:-4],
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_verifier_key(text)


def test_a_cosigners_key_is_read_back_from_its_text() -> None:
    assert parse_verifier_key(str(ANNE.key)) == ANNE.key


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u00a0b"])
def test_a_key_has_a_name_without_spaces_and_plus(name: str) -> None:
    with pytest.raises(BadInput, match="name of a key"):
        NoteSigner(name, Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.mark.parametrize("public_key", [bytes(32), b"short", b"\xff" * 32])
def test_what_is_no_point_is_no_key(public_key: bytes) -> None:
    with pytest.raises(BadInput, match="public key of name"):
        verifier_key("name", SignatureType.NOTE, public_key)


def test_signature_lines_alone_are_read_as_in_a_note() -> None:
    note = cosigned()
    lines = "".join(one.line() for one in note.signatures)
    assert parse_signatures(lines) == note.signatures
    for wrong in ("", lines[:-1], lines + "\n"):
        with pytest.raises(BadInput):
            parse_signatures(wrong)
