"""Signed notes, checkpoints and cosignatures, as C2SP specifies them.

Pure: text in, text out (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature; keys are
Ed25519). Owns their forms and refuses every other way to write the same; checkpoints have no
extension lines. Whose keys are trusted is a policy's matter, what a checkpoint's root commits to
that of `runut.seals`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut import ed25519
from runut.errors import BadInput
from runut.merkle import HASH_SIZE

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
KEY_HASH_SIZE: Final = 4

_DASH: Final = "— "
_TIME_SIZE: Final = 8
_MAX_TIME: Final = 2**63 - 1
_MAX_SIZE: Final = 2**63 - 1
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class SignatureType(IntEnum):
    """What a key signs: notes as they are, or checkpoints together with the time."""

    NOTE = 0x01
    COSIGNATURE = 0x04


class NoteSignature(msgspec.Struct, frozen=True):
    """One signature line of a note; whether it verifies is open."""

    name: str
    key_hash: bytes
    """First four bytes of a hash of name, type and public key (C2SP: key ID)."""
    signature: bytes

    def line(self) -> str:
        """`— NAME BASE64`, with its newline."""
        return f"{_DASH}{self.name} {_base64(self.key_hash + self.signature)}\n"


class Note(msgspec.Struct, frozen=True):
    """A text that ends in a newline, and who signed it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """The text, an empty line, the signature lines."""
        return (self.text + "\n" + "".join(one.line() for one in self.signatures)).encode()

    def signed_also(self, signatures: Iterable[NoteSignature]) -> Note:
        """The note with these signatures after its own, each once."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *signatures))))


class VerifierKey(msgspec.Struct, frozen=True):
    """A public key under a name, for one type of signature (C2SP: vkey)."""

    name: str
    type: SignatureType
    public_key: bytes

    @property
    def key_hash(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key)."""
        typed = bytes((self.type,)) + self.public_key
        return sha256(self.name.encode() + b"\n" + typed).digest()[:KEY_HASH_SIZE]

    def __str__(self) -> str:
        typed = bytes((self.type,)) + self.public_key
        return f"{self.name}+{self.key_hash.hex()}+{_base64(typed)}"

    def verified(self, text: str, signature: NoteSignature) -> Signed | None:
        """What the signature says, if it is this key's over the text."""
        if (signature.name, signature.key_hash) != (self.name, self.key_hash):
            return None
        if self.type is SignatureType.NOTE:
            valid = ed25519.verify(self.public_key, signature.signature, text.encode())
            return Signed(self, None) if valid else None
        time_s = int.from_bytes(signature.signature[:_TIME_SIZE])
        if time_s > _MAX_TIME:
            return None
        message = _cosigned(text, time_s)
        valid = ed25519.verify(self.public_key, signature.signature[_TIME_SIZE:], message)
        return Signed(self, time_s) if valid else None


class Signed(msgspec.Struct, frozen=True):
    """A key signed a note."""

    key: VerifierKey
    time_s: int | None
    """When, in seconds since 1970, as a cosigner says; None of other signatures."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's tree at a size."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Three lines: origin, size, root in base64."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


class NoteSigner:
    """Signs notes, such as a log's checkpoints, with one key."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.key = verifier_key(name, SignatureType.NOTE, _public(private_key))
        self._private_key = private_key

    def sign(self, text: str) -> NoteSignature:
        """The signature of a note's text. The same text gives the same bytes."""
        signature = ed25519.sign(self._private_key, _note_text(text).encode())
        return NoteSignature(self.key.name, self.key.key_hash, signature)


class Cosigner:
    """Cosigns checkpoints of others with one key, which signs nothing else."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.key = verifier_key(name, SignatureType.COSIGNATURE, _public(private_key))
        self._private_key = private_key

    def cosign(self, checkpoint: Checkpoint, time_s: int) -> NoteSignature:
        """The statement that this was the largest consistent checkpoint seen by then.

        Raises:
            BadInput: the time is no whole second from 1970 on.
        """
        if not 0 < time_s <= _MAX_TIME:
            raise BadInput("time of a cosignature", "seconds since 1970", time_s)
        signed = ed25519.sign(self._private_key, _cosigned(checkpoint.text(), time_s))
        stamped = time_s.to_bytes(_TIME_SIZE) + signed
        return NoteSignature(self.key.name, self.key.key_hash, stamped)


def verifier_key(name: str, type_: SignatureType, public_key: bytes) -> VerifierKey:
    """The key, once its name and point are found to be possible.

    Raises:
        BadInput: the name is empty or has a space or plus, or the key is no Ed25519 key.
    """
    if not _is_key_name(name):
        raise BadInput("name of a key", "no spaces, no plus, not empty", name)
    if not ed25519.is_public_key(public_key):
        raise BadInput(f"public key of {name}", "an Ed25519 point", public_key.hex())
    return VerifierKey(name, type_, public_key)


def parse_verifier_key(text: str) -> VerifierKey:
    """The key that `NAME+HASH+BASE64` describes.

    Raises:
        BadInput: it is not of that form, of another type, or the hash is another key's.
    """
    name, plus, rest = text.partition("+")
    _, second, encoded = rest.partition("+")
    typed = _from_base64("key", encoded) if plus and second else b""
    if not typed or typed[0] not in tuple(SignatureType):
        raise BadInput("verifier key", "NAME+HASH+BASE64 of an Ed25519 key, type 1 or 4", text)
    key = verifier_key(name, SignatureType(typed[0]), typed[1:])
    if str(key) != text:
        raise BadInput(f"verifier key of {name}", str(key), text)
    return key


def parse_note(data: bytes) -> Note:
    """The note that these bytes are.

    Raises:
        BadInput: they are none, or it has more than `MAX_SIGNATURES` or `MAX_NOTE_BYTES`.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise BadInput("signed note", f"at most {MAX_NOTE_BYTES} bytes", len(data))
    try:
        decoded = data.decode()
    except UnicodeDecodeError:
        raise BadInput("signed note", "UTF-8", data) from None
    text, empty_line, lines = decoded.rpartition("\n\n")
    if not empty_line:
        raise BadInput("signed note", "a text, an empty line, signatures", decoded)
    return Note(_note_text(text + "\n"), parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """The signatures of one or more signature lines.

    Raises:
        BadInput: there are none or too many, or one is not of its form.
    """
    *found, rest = lines.split("\n")
    if rest or not 1 <= len(found) <= MAX_SIGNATURES:
        raise BadInput("signatures of a note", f"1 to {MAX_SIGNATURES} lines", lines)
    return tuple(_signature(line) for line in found)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text is.

    Raises:
        BadInput: it is none, has extension lines or is not written in the one way.
    """
    lines = text.split("\n")
    if len(lines) == 4 and _NUMBER.fullmatch(lines[1]) and int(lines[1]) <= _MAX_SIZE:
        found = Checkpoint(lines[0], int(lines[1]), _from_base64("root", lines[2]))
        if found.text() == text and found.origin and len(found.root) == HASH_SIZE:
            return found
    raise BadInput("checkpoint", "three lines: origin, size, root in base64", text)


def verified(note: Note, keys: Sequence[VerifierKey]) -> tuple[Signed, ...]:
    """Which of these keys signed the note, in its order. Signatures of other keys are ignored.

    A key may have cosigned at several times.

    Raises:
        BadInput: a signature of one of the keys does not verify (the note was tampered with).
    """
    known = {(key.name, key.key_hash): key for key in keys}
    found = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_hash))
        if key is None:
            continue
        signed = key.verified(note.text, signature)
        if signed is None:
            raise BadInput(f"signature of {key.name}", f"one by {key} over this note", note.text)
        found.append(signed)
    return tuple(found)


def _signature(line: str) -> NoteSignature:
    dash, name, encoded = line[: len(_DASH)], *line[len(_DASH) :].partition(" ")[::2]
    decoded = _from_base64(f"signature of {name}", encoded)
    if dash != _DASH or not _is_key_name(name) or len(decoded) <= KEY_HASH_SIZE:
        raise BadInput("signature of a note", "— NAME BASE64", line)
    return NoteSignature(name, decoded[:KEY_HASH_SIZE], decoded[KEY_HASH_SIZE:])


def _note_text(text: str) -> str:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise BadInput("text of a note", "lines without control characters", text)
    return text


def _is_key_name(name: str) -> bool:
    return bool(name) and not any(char.isspace() or char < " " or char == "+" for char in name)


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _public(private_key: Ed25519PrivateKey) -> bytes:
    return private_key.public_key().public_bytes_raw()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _from_base64(thing: str, text: str) -> bytes:
    """Strictly: one content has one encoding."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content or _base64(content) != text:
        raise BadInput(thing, "base64", text)
    return content
