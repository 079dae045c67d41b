"""A sealed log that is served as C2SP tiles, in memory: for witnesses, and for lying to them.

Made of the pure core alone. Its records are bare keys and contents. `rewritten` gives the log that
an operator would have who changed the past and computed everything again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut import merkle
from runut.merkle_map import NO_RECORDS, Chain, root_of
from runut.notes import Checkpoint, Note, NoteSigner, VerifierKey, parse_note, verified
from runut.records import entry_key, filler_entry, hashed_entry
from runut.seals import Seal, TreeHead, entry_of, origin_of
from runut.tiles import TILE_WIDTH, Tile, bundle, bundle_at, tile_at, tile_width

LEDGER = "nusantara"
URL = "https://ledger.example/api/v1/log"
DIRECTORY = ("runut.directory", 0)
START_MS = 1_763_770_000_000

SIGNER = NoteSigner(origin_of(LEDGER), Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)))
Place = tuple[str, int]


def record_entry(key: str, content: str) -> bytes:
    return hashed_entry(sha256(key.encode()).digest(), sha256(content.encode()).digest())


def no_events() -> dict[Place, list[bytes]]:
    return {DIRECTORY: [], ("runut.events", 0): [], ("runut.events", 1): []}


@dataclass
class PretendLog:
    """Entries of each partition, the seals over them, and what is served."""

    entries: dict[Place, list[bytes]] = field(default_factory=no_events)
    seals: list[Seal] = field(default_factory=list)
    now_ms: int = START_MS
    signer: NoteSigner = SIGNER
    shown: int | None = None
    """Size of the log of seals that is shown; None: all of it."""
    witnesses: list[VerifierKey] = field(default_factory=list)
    cosigned: list[Note] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=lambda: {None})
    answers: dict[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)
    """What is answered at some paths instead of the truth."""

    def add(self, place: Place, *keys: str) -> None:
        """Record something about each of these keys."""
        for key in keys:
            self.entries[place].append(record_entry(key, f"{key} {len(self.entries[place])}"))

    def add_filler(self, place: Place) -> None:
        self.entries[place].append(filler_entry(*place, len(self.entries[place])))

    def seal(self) -> Seal:
        self.now_ms += 60_000
        heads = tuple(head(place, found) for place, found in self.entries.items())
        made = Seal(bytes(range(16)), len(self.seals), self.now_ms, heads)
        self.seals.append(made)
        return made

    def rewritten(self, change: Callable[[dict[Place, list[bytes]]], None]) -> PretendLog:
        """The same log with another past: all its seals computed again, at the same times."""
        other = PretendLog(copy.deepcopy(self.entries), [], self.now_ms, self.signer)
        change(other.entries)
        for one in self.seals:
            heads = tuple(
                head(each.place, other.entries[each.place][: each.size]) for each in one.heads
            )
            other.seals.append(Seal(one.ledger_id, one.index, one.sealed_at_ms, heads))
        return other

    @property
    def size(self) -> int:
        return len(self.seals) if self.shown is None else self.shown

    def checkpoint(self) -> Checkpoint:
        leaves = [one.leaf() for one in self.seals[: self.size]]
        return Checkpoint(self.signer.key.name, self.size, merkle.root(leaves))

    def note(self) -> Note:
        text = self.checkpoint().text()
        return Note(text, (self.signer.sign(text),))

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.partition("/log/")[2]
        self.asked.append(path)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if (token if scheme == "Bearer" else None) not in self.tokens:
            return httpx.Response(401)
        if path in self.answers:
            return self.answers[path](request)
        if path == "cosignatures" and request.method == "POST":
            return self._take(request.content)
        if path == "seals/checkpoint":
            return httpx.Response(200, content=self.note().to_bytes())
        return self._tile(path)

    def _take(self, content: bytes) -> httpx.Response:
        note = parse_note(content)
        if note.text != self.note().text or not verified(note, self.witnesses):
            return httpx.Response(422, text="no witness of ours cosigned our checkpoint")
        self.cosigned.append(note)
        return httpx.Response(200, json={"taken": 1})

    def _tile(self, path: str) -> httpx.Response:
        tree, _, tile_path = path.partition("/tile/")
        entries = self._entries(tree)
        level, _, place = tile_path.partition("/")
        tile = bundle_at(place) if level == "entries" else tile_at(level, place)
        if tile_width(tile.level, tile.index, len(entries)) < tile.width:
            return httpx.Response(404)
        if level == "entries":
            start = tile.index * TILE_WIDTH
            return httpx.Response(200, content=bundle(entries[start : start + tile.width]))
        return httpx.Response(200, content=b"".join(hashes(entries, tile)))

    def _entries(self, tree: str) -> list[bytes]:
        if tree == "seals":
            return [entry_of(one) for one in self.seals[: self.size]]
        topic, _, partition = tree.partition("/")
        sealed = self.seals[self.size - 1].head(topic, int(partition)).size
        return self.entries[topic, int(partition)][:sealed]


def hashes(entries: list[bytes], tile: Tile) -> list[bytes]:
    """The hashes of a tile, as it is defined."""
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    span = TILE_WIDTH**tile.level
    first = tile.index * TILE_WIDTH
    return [
        merkle.root(leaves[index * span : (index + 1) * span])
        for index in range(first, first + tile.width)
    ]


def head(place: Place, entries: list[bytes]) -> TreeHead:
    chains: dict[bytes, Chain] = {}
    for entry in entries:
        key = entry_key(entry)
        if key is not None:
            chains[key] = chains.get(key, NO_RECORDS).then(merkle.leaf_hash(entry))
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    return TreeHead(*place, len(entries), root, root_of(chains))
