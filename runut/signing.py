"""Batch signatures of events (integrity.md §1): digests, headers, signing and checking.

Pure but for the nonces that `Signer` draws. Owns what is signed and how it travels in a
record's headers; whose key it is and when it was valid says `runut.directory`, where private
keys lie `runut.keystore`, which curve points pass `runut.ed25519`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut import ed25519, merkle
from runut.errors import BadInput
from runut.native import IS_USED
from runut.records import RawRecord

if IS_USED:
    from runut.native import batch_signing, ways

KEY_ID_HEADER: Final = "runut-key-id"
SIGNATURE_HEADER: Final = "runut-signature"
_BOTH: Final = frozenset({KEY_ID_HEADER, SIGNATURE_HEADER})
MAX_BATCH: Final = 1024
LEDGER_ID_SIZE: Final = 16
NONCE_SIZE: Final = 16

EVENT_LEAF: Final = b"\x00runut/event/v1\n"
"""What the leaf of an event begins with: `merkle.leaf_hash`'s byte and the context."""
_PART_SIZES: Final = (LEDGER_ID_SIZE, NONCE_SIZE, merkle.HASH_SIZE)
_BATCH_CONTEXT: Final = b"runut/batch/v1\n"
_VERSION: Final = 1
_HEAD: Final = struct.Struct(f">BHH{NONCE_SIZE}s")
_HEAD_SIZE: Final = _HEAD.size
_NONCE: Final = struct.Struct(f"{NONCE_SIZE}s")
_way_up: Final = ways.way_up if IS_USED else merkle.way_up

Headers = Sequence[tuple[str, bytes]]


class Signable(msgspec.Struct, frozen=True, gc=False):
    """What a signature says about one event, beside the ledger and the nonce."""

    schema_sha256: bytes
    """SHA-256 of its schema as canonical JSON."""
    subject: str
    body: bytes
    """The Avro body, without the frame's five bytes."""


class SignedEvent(Protocol):
    """What signs an event, and the digest that its receipt names."""

    @property
    def key_header(self) -> tuple[str, bytes]:
        """The header `runut-key-id`."""

    @property
    def signature(self) -> bytes:
        """The value of the header `runut-signature`."""

    @property
    def digest(self) -> bytes:
        """What the batch's tree has as its leaf."""

    @property
    def headers(self) -> Headers:
        """The two headers that sign it."""


class _SignedEvent(msgspec.Struct, frozen=True, gc=False):
    key_header: tuple[str, bytes]
    signature: bytes
    digest: bytes

    @property
    def headers(self) -> Headers:
        return self.key_header, (SIGNATURE_HEADER, self.signature)


class Signature(msgspec.Struct, frozen=True, gc=False):
    """The header `runut-signature`: an event's place in a batch, and the batch's signature."""

    size: int
    index: int
    nonce: bytes
    path: bytes
    """Inclusion path of the event's digest, its hashes joined, of exactly RFC 9162's length."""
    signed_root: bytes
    """The Ed25519 signature (64 bytes) that all events of the batch share."""

    def to_bytes(self) -> bytes:
        """Version 1, u16 size, u16 index, nonce, path, signature."""
        head = _HEAD.pack(_VERSION, self.size, self.index, self.nonce)
        return head + self.path + self.signed_root


class SignedBy(msgspec.Struct, frozen=True, gc=False):
    """Both headers stand once and are well formed; nothing is said about validity."""

    key_id: str
    signature: Signature


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """There is a signature header, but one of the two breaks the format."""

    key_id: str | None
    """The key id where that header is readable: an unknown key goes before a bad signature."""
    reason: str


def event_digest(
    ledger_id: bytes, nonce: bytes, schema_sha256: bytes, subject: str, body: bytes
) -> bytes:
    """The leaf hash that stands for one event in its batch (integrity.md §1).

    SHA-256(0x00 ‖ "runut/event/v1\\n" ‖ ledger_id ‖ nonce ‖ schema_sha256 ‖ u32 length of
    subject ‖ subject ‖ body).

    Raises:
        BadInput: ledger id, nonce or schema hash are not 16, 16 and 32 bytes.
    """
    _demand_sizes(ledger_id, nonce, schema_sha256)
    return _digest(EVENT_LEAF + ledger_id, nonce, schema_sha256, subject, body)


def _demand_sizes(ledger_id: bytes, nonce: bytes, schema_sha256: bytes) -> None:
    lengths = len(ledger_id), len(nonce), len(schema_sha256)
    if lengths != _PART_SIZES:
        raise BadInput("ledger id, nonce, schema hash", "16, 16 and 32 bytes", lengths)


def _digest(start: bytes, nonce: bytes, schema_sha256: bytes, subject: str, body: bytes) -> bytes:
    """The event digest that begins with `start`; the sizes of its parts were checked."""
    stream = subject.encode()
    parts = (start, nonce, schema_sha256, len(stream).to_bytes(4), stream, body)
    return sha256(b"".join(parts)).digest()


def sign_batch(
    private_key: Ed25519PrivateKey, nonces: bytes, digests: Sequence[bytes]
) -> list[bytes]:
    """One signature over 1 to 1,024 event digests: each event's header `runut-signature`.

    `nonces` has the 16 bytes with which each of the digests was made, in their order.

    Raises:
        BadInput: the batch is empty or larger than `MAX_BATCH`.
    """
    size = len(digests)
    if not 1 <= size <= MAX_BATCH:
        raise BadInput("events signed at once", f"1 to {MAX_BATCH}", size)
    sign = _root_signer(private_key, size)
    values = batch_signing.signature_values(nonces, digests, sign) if IS_USED else None
    return signature_values(nonces, digests, sign) if values is None else values


def _root_signer(private_key: Ed25519PrivateKey, size: int) -> Callable[[bytes], bytes]:
    """What gives the signature of a batch of this size by its root."""
    return lambda root: ed25519.sign(private_key, _batch_message(size, root))


def signature_values(
    nonces: bytes, leaves: Sequence[bytes], sign: Callable[[bytes], bytes]
) -> list[bytes]:
    """The header of each leaf of a batch, where `sign` gives the signature of the tree's root."""
    levels = merkle.levels(leaves)
    ways = merkle.joined_paths(levels, sign(levels[-1][0]))
    return [
        _HEAD.pack(_VERSION, len(leaves), index, nonce) + way
        for index, ((nonce,), way) in enumerate(zip(_NONCE.iter_unpack(nonces), ways, strict=True))
    ]


def event_digests(start: bytes, nonces: bytes, items: Sequence[Signable]) -> list[bytes]:
    """The digest of each item, which begins with `start`; the sizes of the parts were checked."""
    return [
        _digest(start, nonce, item.schema_sha256, item.subject, item.body)
        for (nonce,), item in zip(_NONCE.iter_unpack(nonces), items, strict=True)
    ]


class Signer:
    """Signs batches of events with one key of an agency."""

    def __init__(self, key_id: str, private_key: Ed25519PrivateKey) -> None:
        self.key_id = key_id
        self._key_header = (KEY_ID_HEADER, key_id.encode())
        self._private_key = private_key

    def sign(self, ledger_id: bytes, items: Sequence[Signable]) -> Sequence[SignedEvent]:
        """Headers and digest of each item, in order; nonces are fresh and random.

        Raises:
            BadInput: there are none or more than `MAX_BATCH`, or a part has a wrong length.
        """
        nonces = os.urandom(NONCE_SIZE * len(items))  # at once: each draw is a system call
        start = EVENT_LEAF + ledger_id
        if IS_USED:
            sign = _root_signer(self._private_key, len(items))
            found = batch_signing.signed_events(self._key_header, start, nonces, items, sign)
            if found is not None:
                return found
        for schema_sha256 in {item.schema_sha256 for item in items}:
            _demand_sizes(ledger_id, nonces[:NONCE_SIZE], schema_sha256)
        digests = event_digests(start, nonces, items)
        values = sign_batch(self._private_key, nonces, digests)
        return [
            _SignedEvent(self._key_header, value, digest)
            for value, digest in zip(values, digests, strict=True)
        ]


def read_headers(headers: Sequence[tuple[str, bytes | None]]) -> SignedBy | Malformed | None:
    """Who signed a record, from its Kafka headers; None where no signature header stands.

    Each of the two headers must stand exactly once: of a repeated one nobody could say which
    was meant.
    """
    found: dict[str, bytes | None] = {}
    for name, value in headers:
        if name in _BOTH:
            found[name] = None if name in found else value
    if SIGNATURE_HEADER not in found:
        return None
    return read_signature(found.get(KEY_ID_HEADER), found[SIGNATURE_HEADER])


def read_signature(key_id: bytes | None, signature: bytes | None) -> SignedBy | Malformed:
    """Who signed, by the values of the two headers; None for one that does not stand once."""
    who = None
    try:
        who = _present(KEY_ID_HEADER, key_id).decode()
        return SignedBy(who, parse_signature(_present(SIGNATURE_HEADER, signature)))
    except UnicodeDecodeError:
        return Malformed(None, str(BadInput(f"header {KEY_ID_HEADER}", "UTF-8", key_id)))
    except BadInput as error:
        return Malformed(who, str(error))


def parse_signature(data: bytes) -> Signature:
    """The value of a `runut-signature` header.

    Raises:
        BadInput: another version, size not 1 to 1,024, index not below size, or not exactly
            the bytes that these ask for.
    """
    if len(data) < _HEAD_SIZE:
        raise BadInput(SIGNATURE_HEADER, f"at least {_HEAD_SIZE} bytes", len(data))
    version, size, index, nonce = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise BadInput(f"version of {SIGNATURE_HEADER}", str(_VERSION), version)
    if not 1 <= size <= MAX_BATCH:
        raise BadInput(f"size in {SIGNATURE_HEADER}", f"1 to {MAX_BATCH}", size)
    if index >= size:
        raise BadInput(f"index in {SIGNATURE_HEADER}", f"below size {size}", index)
    path_end = _HEAD_SIZE + merkle.HASH_SIZE * merkle.path_length(index, size)
    if len(data) != path_end + ed25519.SIGNATURE_SIZE:
        expected = f"{path_end + ed25519.SIGNATURE_SIZE} bytes for event {index} of {size}"
        raise BadInput(SIGNATURE_HEADER, expected, len(data))
    return Signature(size, index, nonce, data[_HEAD_SIZE:path_end], data[path_end:])


class VerifiedBatches:
    """The batches that verified lately, so that a batch costs one verification and few hashes.

    Only valid ones are remembered, each with everything that made it valid: forgetting one
    costs time, never a verdict. Not to be shared between threads.
    """

    def __init__(self, maxsize: int = 4096) -> None:
        self._maxsize = maxsize
        # By public key, size and signature, least recent first: the way of the event read last,
        # since the next one of its partition is most often its neighbour.
        self._ways: dict[bytes, merkle.Way] = {}
        self.record: RawRecord | None = None
        """That is asked about, where a reader asks: others may know more of it."""

    def __len__(self) -> int:
        return len(self._ways)

    def holds(self, public_key: bytes, signature: Signature, digest: bytes) -> bool:
        """Whether the key signed the batch in which the event digest stands at its index."""
        index, path = signature.index, signature.path
        size, signed_root = signature.size, signature.signed_root
        batch = public_key + size.to_bytes(2) + signed_root
        known = self._ways.get(batch)
        if known is not None and known.is_beside(digest, index, path):
            return True  # every other event, and nothing new to be remembered
        way = known and known.joined_by(digest, index, path)
        if way is None:
            way = _way_up(digest, index, size, path)
            if way is None or not self.is_signed(public_key, size, signed_root, way.root):
                return False
        if known is not None:
            del self._ways[batch]
        elif len(self._ways) >= self._maxsize:
            del self._ways[next(iter(self._ways))]
        self._ways[batch] = way
        return True

    def is_signed(self, public_key: bytes, size: int, signed_root: bytes, root: bytes) -> bool:
        """Whether the key signed a batch that is not remembered."""
        return ed25519.verify(public_key, signed_root, _batch_message(size, root))


def _batch_message(size: int, root: bytes) -> bytes:
    return _BATCH_CONTEXT + size.to_bytes(4) + root


def _present(name: str, value: bytes | None) -> bytes:
    if value is None:
        raise BadInput(f"header {name}", "exactly one value", "none, null or several")
    return value
