"""A seal: what every tree and map of the ledger was at one moment (integrity.md §3).

Pure. Owns a seal's one way to be written, which is its entry in the seal log, and which seal may
follow which. The log of seals is an RFC 9162 tree whose n-th entry is seal n; its checkpoints are
signed notes (`runut.notes`) of origin `NAME/seals`. An entry is this text, in ASCII:

    runut/seal/v1
    ledger 00112233445566778899aabbccddeeff
    seal 41
    time 1763770000000
    runut.directory/0 182 ROOT MAPROOT
    runut.events/0 20571 ROOT MAPROOT
    …

time being milliseconds since 1970 UTC, and each tree `TOPIC/PARTITION SIZE ROOT MAPROOT`, hashes
in base64, ordered by topic and then by the partition's number. Every line ends in a newline.
"""

from __future__ import annotations

import base64
import binascii
import re
from itertools import pairwise
from typing import Final

import msgspec

from runut.errors import BadInput, LedgerMismatch
from runut.merkle import EMPTY_ROOT, HASH_SIZE, leaf_hash
from runut.merkle_map import EMPTY
from runut.signing import LEDGER_ID_SIZE

MAX_ENTRY_BYTES: Final = 0xFFFF
"""What C2SP's entry bundles can hold: some 500 trees."""

_CONTEXT: Final = "runut/seal/v1"
_MAX_TIME_MS: Final = 2**63 - 1
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_HEAD: Final = re.compile(r"ledger ([0-9a-f]{32})\nseal ([0-9]{1,19})\ntime ([0-9]{1,19})")
_TREE: Final = re.compile(
    r"([A-Za-z0-9._-]{1,249})/([0-9]{1,10}) ([0-9]{1,19}) ([A-Za-z0-9+/=]{44}) ([A-Za-z0-9+/=]{44})"
)


class TreeHead(msgspec.Struct, frozen=True):
    """The tree and the map of one partition."""

    topic: str
    partition: int
    size: int
    """Number of leaves: the offset of the record after the last one that is sealed."""
    root: bytes
    map_root: bytes

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


class Seal(msgspec.Struct, frozen=True):
    """All trees and maps of a ledger at one moment."""

    ledger_id: bytes
    index: int
    """Its place in the seal log, from 0."""
    sealed_at_ms: int
    """Milliseconds since 1970 UTC, by the sealer's clock; it never runs backwards."""
    heads: tuple[TreeHead, ...]
    """One for each partition, by topic and number."""

    def head(self, topic: str, partition: int) -> TreeHead:
        """The tree and map of a partition.

        Raises:
            LedgerMismatch: the seal has none.
        """
        for head in self.heads:
            if head.place == (topic, partition):
                return head
        raise LedgerMismatch(f"seal {self.index}: expected a tree of {topic}/{partition}")

    def leaf(self) -> bytes:
        """Its leaf hash in the seal log. Raises as `entry_of` does."""
        return leaf_hash(entry_of(self))


def origin_of(ledger: str) -> str:
    """The seal log's origin, and the name of the key that signs its checkpoints."""
    return f"{ledger}/seals"


def empty_head(topic: str, partition: int) -> TreeHead:
    """The head of a partition without records."""
    return TreeHead(topic, partition, 0, EMPTY_ROOT, EMPTY)


def entry_of(seal: Seal) -> bytes:
    """The seal's entry in the seal log.

    Raises:
        BadInput: trees are not in order or twice there, a number or hash is impossible, or
            the text is longer than `MAX_ENTRY_BYTES`.
    """
    _demand_possible(seal)
    lines = [
        _CONTEXT,
        f"ledger {seal.ledger_id.hex()}",
        f"seal {seal.index}",
        f"time {seal.sealed_at_ms}",
        *map(_line, seal.heads),
    ]
    entry = "".join(f"{line}\n" for line in lines).encode()
    if len(entry) > MAX_ENTRY_BYTES:
        raise BadInput(f"seal {seal.index}", f"at most {MAX_ENTRY_BYTES} bytes", len(entry))
    return entry


def seal_of(entry: bytes) -> Seal:
    """The seal that an entry of the seal log is.

    Raises:
        BadInput: it is none, or not written in the one way.
    """
    lines = entry.decode(errors="replace").split("\n")
    head = _HEAD.fullmatch("\n".join(lines[1:4]))
    if lines[0] != _CONTEXT or head is None or lines[-1]:
        raise BadInput("entry of the seal log", f"a text that begins {_CONTEXT}", entry)
    ledger_id, index, sealed_at_ms = head.groups()
    heads = tuple(_head(line) for line in lines[4:-1])
    seal = Seal(bytes.fromhex(ledger_id), int(index), int(sealed_at_ms), heads)
    if entry_of(seal) != entry:
        raise BadInput(f"seal {index}", "to be written in the one way", entry)
    return seal


def demand_first(seal: Seal) -> None:
    """That a seal may be the first of a log.

    Raises:
        LedgerMismatch: its index is not 0.
    """
    if seal.index:
        raise LedgerMismatch(f"first seal of a log: expected index 0, found {seal.index}")


def demand_follows(seal: Seal, previous: Seal) -> None:
    """That a seal may come right after another: nothing shrinks, vanishes or runs backwards.

    Whether its trees extend the earlier ones only their proofs show.

    Raises:
        LedgerMismatch: it may not; the message says why.
    """
    thing = f"seal {seal.index} after seal {previous.index}"
    if seal.index != previous.index + 1:
        raise LedgerMismatch(f"{thing}: expected index {previous.index + 1}")
    if seal.ledger_id != previous.ledger_id:
        found = f"{seal.ledger_id.hex()} after {previous.ledger_id.hex()}"
        raise LedgerMismatch(f"{thing}: expected one ledger, found {found}")
    if seal.sealed_at_ms < previous.sealed_at_ms:
        found = f"{seal.sealed_at_ms} after {previous.sealed_at_ms}"
        raise LedgerMismatch(f"{thing}: expected time not to run backwards, found {found}")
    if [head.place for head in seal.heads] != [head.place for head in previous.heads]:
        raise LedgerMismatch(f"{thing}: expected trees of the same partitions")
    for head, earlier in zip(seal.heads, previous.heads, strict=True):
        _demand_grown(thing, head, earlier)


def _demand_grown(thing: str, head: TreeHead, earlier: TreeHead) -> None:
    tree = f"{thing}: tree of {head.topic}/{head.partition}"
    if head.size < earlier.size:
        raise LedgerMismatch(f"{tree}: expected at least {earlier.size} leaves, found {head.size}")
    if head.size == earlier.size and head != earlier:
        raise LedgerMismatch(f"{tree}: expected the same roots at the same size {head.size}")


def _demand_possible(seal: Seal) -> None:
    numbers = (seal.index, seal.sealed_at_ms)
    if len(seal.ledger_id) != LEDGER_ID_SIZE or not all(0 <= n <= _MAX_TIME_MS for n in numbers):
        raise BadInput("seal", "a ledger id of 16 bytes, an index, a time", seal)
    places = [head.place for head in seal.heads]
    if not places or any(one >= other for one, other in pairwise(places)):
        raise BadInput(f"trees of seal {seal.index}", "at least one, in order, each once", places)
    for head in seal.heads:
        _demand_possible_head(head)


def _demand_possible_head(head: TreeHead) -> None:
    empty = head.root == EMPTY_ROOT, head.map_root == EMPTY
    possible = (
        _TOPIC.fullmatch(head.topic)
        and 0 <= head.partition < 1 << 31
        and 0 <= head.size < 1 << 63
        and len(head.root) == len(head.map_root) == HASH_SIZE
        # A tree of fillers alone has no key, so that its map may be empty.
        and (all(empty) if not head.size else not empty[0])
    )
    if not possible:
        raise BadInput("tree of a seal", "topic/partition, size, root and map root", head)


def _line(head: TreeHead) -> str:
    hashes = (base64.b64encode(one).decode() for one in (head.root, head.map_root))
    return " ".join((f"{head.topic}/{head.partition}", str(head.size), *hashes))


def _head(line: str) -> TreeHead:
    found = _TREE.fullmatch(line)
    if not found:
        raise BadInput("tree of a seal", "TOPIC/PARTITION SIZE ROOT MAPROOT", line)
    topic, partition, size, root, map_root = found.groups()
    try:
        hashes = [base64.b64decode(one, validate=True) for one in (root, map_root)]
    except binascii.Error:
        raise BadInput("tree of a seal", "hashes in base64", line) from None
    return TreeHead(topic, int(partition), int(size), *hashes)
