"""The sparse Merkle map: the definition itself, pages, and what proofs must refuse."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut.errors import BadInput, LedgerMismatch
from runut.merkle_map import (
    EMPTY,
    NO_RECORDS,
    Chain,
    MapLeaf,
    MapProof,
    MerkleMap,
    chain_head,
    chain_proved,
    root_of,
)
from tests.builders import ROOT

PLACE = ROOT / "tests" / "golden" / "map.json"
GOLDEN = json.loads(PLACE.read_text())
Chains = dict[bytes, Chain]
unhurried = settings(deadline=None)

# Keys of which many share the first bits, as hashes of subjects almost never do.
near = st.integers(0, 255).map(lambda last: bytes(31) + bytes([last]))
far = st.binary(min_size=32, max_size=32)
clustered = st.tuples(st.sampled_from([b"\x80", b"\x81", b"\xff"]), st.integers(0, 63)).map(
    lambda parts: parts[0] + bytes([parts[1]]) + bytes(30)
)
keys = st.one_of(near, far, clustered)
chains = st.builds(Chain, st.integers(1, 2**64 - 1), far)
maps = st.dictionaries(keys, chains, max_size=12)


def hashed(number: int) -> bytes:
    return sha256(number.to_bytes(4)).digest()


def root_as_defined(held: Mapping[bytes, Chain], depth: int = 0) -> bytes:
    """Word by word as the module's docstring says."""
    if not held:
        return bytes(32)
    if len(held) == 1:
        [(key, chain)] = held.items()
        return sha256(b"\x02" + key + chain.count.to_bytes(8) + chain.head).digest()
    bits = {key: f"{int.from_bytes(key):0256b}"[depth] for key in held}
    halves = [{key: held[key] for key in held if bits[key] == side} for side in "01"]
    return sha256(b"\x03" + b"".join(root_as_defined(half, depth + 1) for half in halves)).digest()


class Store:
    """Pages by address, as a table would keep them, and how often it was asked."""

    def __init__(self) -> None:
        self.pages: dict[bytes, bytes] = {}
        self.reads = 0

    def put(self, made: tuple[MerkleMap, dict[bytes, bytes]]) -> MerkleMap:
        self.pages.update(made[1])
        return made[0]

    def fill(self, tree: MerkleMap, wanted_keys: Any) -> MerkleMap:
        while wanted := tree.missing(wanted_keys):
            self.reads += 1
            tree.read({address: self.pages[address] for address in wanted})
        return tree


@unhurried
@given(maps)
def test_the_root_is_the_one_that_is_defined(held: Chains) -> None:
    assert root_of(held) == root_as_defined(held)


@unhurried
@given(maps, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_in_batches_of_any_size_gives_one_root(
    held: Chains, random: Any, size: int
) -> None:
    items = list(held.items())
    random.shuffle(items)
    tree = MerkleMap()
    for begin in range(0, len(items), size):
        tree, _ = tree.updated(dict(items[begin : begin + size]))
    assert tree.root == root_of(held)


@unhurried
@given(maps, maps)
def test_what_is_read_back_from_pages_is_what_was_written(first: Chains, second: Chains) -> None:
    store = Store()
    older = store.put(MerkleMap().updated(first))
    fresh = store.fill(MerkleMap(older.root), second)
    newer = store.put(fresh.updated(second))
    assert newer.root == root_of(first | second)
    for version, held in ((older.root, first), (newer.root, first | second)):
        tree = store.fill(MerkleMap(version), [*first, *second])
        assert {key: tree.get(key) for key in {*first, *second}} == {
            key: held.get(key) for key in {*first, *second}
        }


@unhurried
@given(maps, keys)
def test_a_proof_shows_each_chain_and_the_absence_of_others(held: Chains, other: bytes) -> None:
    tree, _ = MerkleMap().updated(held)
    for key in (*held, other):
        assert chain_proved(tree.root, key, tree.prove(key)) == held.get(key)


@unhurried
@given(st.dictionaries(far, chains, min_size=1, max_size=9), far, st.data())
def test_a_proof_with_anything_changed_shows_nothing(held: Chains, other: bytes, data: Any) -> None:
    tree, _ = MerkleMap().updated(held)
    key = data.draw(st.sampled_from([*held, other]))
    proof, changed = tree.prove(key), data.draw(far)
    forged = [
        MapProof((*proof.siblings, changed), proof.leaf),
        MapProof((changed, *proof.siblings), proof.leaf),
        *(
            MapProof((*proof.siblings[:at], changed, *proof.siblings[at + 1 :]), proof.leaf)
            for at in range(len(proof.siblings))
            if changed != proof.siblings[at]
        ),
        *(MapProof(proof.siblings[:at], proof.leaf) for at in range(len(proof.siblings))),
        *_with_other_leaves(proof, changed),
    ]
    for one in forged:
        with pytest.raises(BadInput):
            chain_proved(tree.root, key, one)


def _with_other_leaves(proof: MapProof, changed: bytes) -> list[MapProof]:
    if proof.leaf is None:
        return [MapProof(proof.siblings, MapLeaf(changed, Chain(1, changed)))]
    chain = proof.leaf.chain
    more = Chain(chain.count % (2**64 - 1) + 1, chain.head)
    others = [None, MapLeaf(proof.leaf.key, more)]
    if chain.head != changed:
        others.append(MapLeaf(proof.leaf.key, Chain(chain.count, changed)))
    return [MapProof(proof.siblings, leaf) for leaf in others]


def test_a_present_key_has_no_proof_of_absence_by_the_leaf_of_another() -> None:
    held = {hashed(number): Chain(1, hashed(number)) for number in range(100)}
    tree, _ = MerkleMap().updated(held)
    victim = hashed(7)
    for key in held:
        if key != victim:
            with pytest.raises(BadInput):
                chain_proved(tree.root, victim, tree.prove(key))


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: vector["name"])
def test_golden_maps_have_their_roots_and_proofs(vector: Any) -> None:
    held = {
        bytes.fromhex(one["key"]): Chain(one["count"], bytes.fromhex(one["head"]))
        for one in vector["chains"]
    }
    root = bytes.fromhex(vector["root"])
    assert root_as_defined(held) == root
    for one in vector["proofs"]:
        key, siblings = bytes.fromhex(one["key"]), map(bytes.fromhex, one["siblings"])
        leaf = one["leaf"] and MapLeaf(
            bytes.fromhex(one["leaf"]["key"]),
            Chain(one["leaf"]["count"], bytes.fromhex(one["leaf"]["head"])),
        )
        assert chain_proved(root, key, MapProof(tuple(siblings), leaf)) == held.get(key)


def test_golden_maps_are_what_their_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "tools" / "golden_map.py"))
    assert script["text"]() == PLACE.read_text()


@pytest.mark.parametrize(
    "proof",
    [
        MapProof((b"short",), None),
        MapProof((bytes(32),) * 257, None),
        MapProof((), MapLeaf(b"short", Chain(1, bytes(32)))),
        MapProof((), MapLeaf(bytes(32), Chain(0, bytes(32)))),
        MapProof((), MapLeaf(bytes(32), Chain(2**64, bytes(32)))),
        MapProof((), MapLeaf(bytes(32), Chain(1, b""))),
    ],
)
def test_what_cannot_be_a_proof_is_refused_without_hashing(proof: MapProof) -> None:
    with pytest.raises(BadInput, match="map proof"):
        chain_proved(bytes(32), bytes(32), proof)


def test_the_empty_map_shows_that_it_has_nothing() -> None:
    tree = MerkleMap()
    assert tree.root == EMPTY
    assert tree.get(hashed(1)) is None
    assert chain_proved(EMPTY, hashed(1), tree.prove(hashed(1))) is None


def test_a_chain_stands_for_each_record_in_order() -> None:
    one, other = hashed(1), hashed(2)
    assert chain_head(bytes(32), one) == sha256(bytes(32) + one).digest()
    assert NO_RECORDS.then(one).then(other) == Chain(
        2, sha256(sha256(bytes(32) + one).digest() + other).digest()
    )
    assert NO_RECORDS.then(one).then(other) != NO_RECORDS.then(other).then(one)


def test_an_update_writes_only_what_it_changes() -> None:
    held = {hashed(number): Chain(1, hashed(number)) for number in range(3000)}
    store = Store()
    tree = store.put(MerkleMap().updated(held))
    _, pages = tree.updated({hashed(5): Chain(2, hashed(6))})
    assert 1 < len(pages) <= 5
    assert not pages.keys() & store.pages.keys()


@unhurried
@given(maps, maps, maps)
def test_who_needs_the_newest_map_alone_may_drop_the_pages_that_were_replaced(
    first: Chains, second: Chains, third: Chains
) -> None:
    store, tree, held = Store(), MerkleMap(), Chains()
    for changes in (first, second, third):
        changed = {key: chain for key, chain in changes.items() if held.get(key) != chain}
        tree = store.fill(MerkleMap(tree.root), changed)
        for address in tree.replaced(changed):
            del store.pages[address]
        tree, held = store.put(tree.updated(changed)), held | changed
    store.fill(MerkleMap(tree.root), held)
    assert store.pages == MerkleMap().updated(held)[1]


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_without_changes_there_is_nothing_to_write(count: int) -> None:
    tree, _ = MerkleMap().updated({hashed(n): Chain(1, hashed(n)) for n in range(count)})
    same, pages = tree.updated({})
    assert (same.root, pages) == (tree.root, {})


def test_keys_are_read_level_by_level_all_at_once() -> None:
    held = {hashed(number): Chain(1, hashed(number)) for number in range(3000)}
    store = Store()
    tree = store.put(MerkleMap().updated(held))
    store.fill(MerkleMap(tree.root), held)
    assert store.reads <= 6


def test_a_map_forgets_what_is_deep_and_reads_it_again() -> None:
    held = {hashed(number): Chain(1, hashed(number)) for number in range(3000)}
    store = Store()
    tree = store.put(MerkleMap().updated(held)).shortened(2)
    assert tree.root == root_of(held)
    assert len(tree.missing(held)) == 256
    assert store.fill(tree, held).get(hashed(9)) == held[hashed(9)]
    assert tree.shortened(0).missing([hashed(9)]) == {tree.root}
    assert MerkleMap().shortened(3).root == EMPTY


@pytest.mark.parametrize("count", [1, 2, 600])
def test_nothing_is_told_of_what_was_not_read(count: int) -> None:
    held = {hashed(number): Chain(1, hashed(number)) for number in range(count)}
    unread = MerkleMap(root_of(held))
    for ask in (unread.get, unread.prove, lambda key: unread.updated({key: Chain(2, key)})):
        with pytest.raises(LedgerMismatch, match="expected to be read"):
            ask(hashed(0))
    assert unread.updated({})[0].root == unread.root


@unhurried
@given(maps.filter(bool), st.data())
def test_a_page_with_a_bit_flipped_is_refused(held: Chains, data: Any) -> None:
    tree, pages = MerkleMap().updated(held)
    address, page = data.draw(st.sampled_from(sorted(pages.items())))
    bit = data.draw(st.integers(0, 8 * len(page) - 1))
    flipped = bytearray(page)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LedgerMismatch, match=address.hex()):
        MerkleMap(tree.root).read({address: bytes(flipped)})


@pytest.mark.parametrize("page", [b"", b"\x00", b"\x03", b"\x01" + bytes(32), b"\x03" * 5000])
def test_what_is_no_page_is_refused(page: bytes) -> None:
    with pytest.raises(LedgerMismatch, match="map page"):
        MerkleMap(EMPTY).read({sha256(page).digest(): page})


def test_a_page_with_bytes_left_over_is_refused() -> None:
    tree, pages = MerkleMap().updated({hashed(1): Chain(1, hashed(2))})
    with pytest.raises(LedgerMismatch, match="map page"):
        MerkleMap(tree.root).read({tree.root: pages[tree.root] + b"\x00"})


def test_a_proof_travels_as_json() -> None:
    tree, _ = MerkleMap().updated({hashed(n): Chain(n + 1, hashed(n)) for n in range(9)})
    proof = tree.prove(hashed(3))
    assert msgspec.json.decode(msgspec.json.encode(proof), type=MapProof) == proof
