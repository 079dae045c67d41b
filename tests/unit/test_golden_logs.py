"""Trees, proofs, tiles, notes and cosignatures agree with Go's, of which tests/golden/tlog tells.

`go run .` there writes vectors.json from golang.org/x/mod/sumdb and transparency-dev/formats; it
is read here and never written. The vectors of the RFC 6962 implementations are in test_merkle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut import merkle, notes, tiles
from runut.errors import BadInput
from runut.merkle_ranges import (
    LeafRange,
    complete_subtrees,
    consistency_ranges,
    inclusion_ranges,
    root_of_subtrees,
)
from runut.notes import Cosigner, Note, NoteSigner, parse_note, parse_verifier_key

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "tlog" / "vectors.json").read_text("utf-8")
)
ROOTS = [bytes.fromhex(root) for root in GOLDEN["roots"]]
LEAVES = [merkle.leaf_hash(b"entry %d" % number) for number in range(GOLDEN["tiled_size"])]
CROSSED = 12


def digest(proofs: Iterable[Sequence[bytes]]) -> str:
    found = sha256()
    for proof in proofs:
        found.update(bytes([len(proof)]) + b"".join(proof))
    return found.hexdigest()


def hashes_of(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def complete_levels() -> list[list[bytes]]:
    """Roots of all complete subtrees of LEAVES, by level."""
    levels = [LEAVES]
    while len(levels[-1]) > 1:
        halves = iter(levels[-1])
        levels.append([merkle.node_hash(*pair) for pair in zip(halves, halves, strict=False)])
    return levels


LEVELS = complete_levels()


def root_of_range(leaves: LeafRange) -> bytes:
    """Root of a range of LEAVES, made as from stored tiles: of complete subtrees alone."""
    return root_of_subtrees([LEVELS[one.level][one.index] for one in complete_subtrees(leaves)])


def test_leaf_and_node_hashes_agree() -> None:
    assert [leaf.hex() for leaf in LEAVES[:8]] == GOLDEN["leaves"]
    nodes = [merkle.node_hash(*LEAVES[n : n + 2]).hex() for n in range(8)]
    assert nodes == GOLDEN["nodes"]


def test_the_root_of_every_size_to_300_agrees() -> None:
    frontier, growing = merkle.Frontier(), tiles.GrowingTree()
    for size, root in enumerate(ROOTS):
        assert merkle.root(LEAVES[:size]) == root
        assert frontier.root() == growing.root() == root
        frontier.append(LEAVES[size])
        growing.extend([LEAVES[size]])
    assert len(ROOTS) == 301


def test_every_inclusion_path_of_every_size_to_300_agrees_and_verifies() -> None:
    for size in range(1, 301):
        tree = merkle.levels(LEAVES[:size])
        paths = [hashes_of(joined) for joined in merkle.joined_paths(tree)]
        assert digest(paths) == GOLDEN["inclusion_digests"][size]
        for index, path in enumerate(paths):
            assert merkle.verify_inclusion(LEAVES[index], index, size, path, tree[-1][0])


def test_every_consistency_proof_of_every_size_to_300_agrees_and_verifies() -> None:
    for size in range(1, 301):
        proofs = []
        for older in range(1, size + 1):
            proofs.append([root_of_range(one) for one in consistency_ranges(older, size)])
            assert merkle.verify_consistency(older, size, ROOTS[older], ROOTS[size], proofs[-1])
        assert digest(proofs) == GOLDEN["consistency_digests"][size]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 65, 100])
def test_proofs_of_trees_in_memory_agree(size: int) -> None:
    leaves = LEAVES[:size]
    found = [merkle.consistency_proof(leaves, older) for older in range(1, size + 1)]
    assert digest(found) == GOLDEN["consistency_digests"][size]
    paths = [merkle.inclusion_path(leaves, index) for index in range(size)]
    assert digest(paths) == GOLDEN["inclusion_digests"][size]


def bits(packed: str, count: int) -> list[bool]:
    return [digit == "1" for digit in f"{int(packed, 16):0{4 * len(packed)}b}"[:count]]


def pairs(first: int) -> Iterator[tuple[int, int]]:
    """Of each tree to 12 leaves each leaf (from 0), or each older size (from 1)."""
    for size in range(1, CROSSED + 1):
        for index in range(first, size + first):
            yield size, index


def test_a_path_proves_what_it_proves_to_go_and_nothing_else() -> None:
    found = [
        merkle.verify_inclusion(LEAVES[other], other, other_size, path, ROOTS[other_size])
        for size, index in pairs(0)
        for path in [merkle.inclusion_path(LEAVES[:size], index)]
        for other_size, other in pairs(0)
    ]
    assert found == bits(GOLDEN["inclusion_tried"], len(found))
    assert sum(found) == 78  # each its own claim


def test_a_consistency_proof_proves_what_it_proves_to_go_and_nothing_else() -> None:
    found = [
        merkle.verify_consistency(other, other_size, ROOTS[other], ROOTS[other_size], proof)
        for size, older in pairs(1)
        for proof in [merkle.consistency_proof(LEAVES[:size], older)]
        for other_size, other in pairs(1)
    ]
    assert found == bits(GOLDEN["consistency_tried"], len(found))


@pytest.mark.parametrize("tree", GOLDEN["large"], ids=lambda tree: str(tree["size"]))
def test_proofs_of_large_trees_verify(tree: Any) -> None:
    size, root = tree["size"], bytes.fromhex(tree["root"])
    for one in tree["inclusion"]:
        index, path = one["index"], [bytes.fromhex(node) for node in one["hashes"]]
        leaf = merkle.leaf_hash(b"entry %d" % index)
        assert merkle.verify_inclusion(leaf, index, size, path, root)
        assert not merkle.verify_inclusion(LEAVES[2], index, size, path, root)
    for one in tree["consistency"]:
        if 0 < one["index"] < len(ROOTS):
            proof = [bytes.fromhex(node) for node in one["hashes"]]
            old_root = ROOTS[one["index"]]
            assert merkle.verify_consistency(one["index"], size, old_root, root, proof)


@pytest.mark.parametrize("tree", GOLDEN["large"][:2], ids=lambda tree: str(tree["size"]))
def test_proofs_of_large_trees_are_made_alike(tree: Any) -> None:
    size = tree["size"]
    assert merkle.root(LEAVES[:size]).hex() == tree["root"]
    for one in tree["inclusion"]:
        path = [root_of_range(leaves).hex() for leaves in inclusion_ranges(one["index"], size)]
        assert path == one["hashes"]
    for one in tree["consistency"]:
        proof = [root_of_range(leaves).hex() for leaves in consistency_ranges(one["index"], size)]
        assert proof == one["hashes"]


@pytest.mark.parametrize("tree", GOLDEN["equal"], ids=lambda tree: str(tree["size"]))
def test_trees_of_any_size_agree_where_all_leaves_are_equal(tree: Any) -> None:
    levels = [LEAVES[0]]
    for _ in range(51):
        levels.append(merkle.node_hash(levels[-1], levels[-1]))

    def root_of(leaves: LeafRange) -> str:
        return root_of_subtrees([levels[one.level] for one in complete_subtrees(leaves)]).hex()

    size = tree["size"]
    assert root_of(LeafRange(0, size)) == tree["root"]
    for one in tree["inclusion"]:
        assert [root_of(part) for part in inclusion_ranges(one["index"], size)] == one["hashes"]
    for one in tree["consistency"]:
        ranges = consistency_ranges(one["index"], size)
        assert [root_of(part) for part in ranges] == one["hashes"]
        old_root = bytes.fromhex(root_of(LeafRange(0, one["index"])))
        proof, root = map(bytes.fromhex, one["hashes"]), bytes.fromhex(tree["root"])
        assert merkle.verify_consistency(one["index"], size, old_root, root, list(proof))


def test_tiles_have_the_names_and_hashes_of_gos() -> None:
    size = GOLDEN["tiled_size"]
    by_level = {0: LEAVES}
    for node in tiles.GrowingTree().extend(LEAVES):
        by_level.setdefault(node.level, []).append(node.hash)
    found = {}
    for level, hashes in by_level.items():
        for index in range(-(-len(hashes) // tiles.TILE_WIDTH)):
            tile = tiles.Tile(level, index, tiles.tile_width(level, index, size))
            start = index * tiles.TILE_WIDTH
            content = b"".join(hashes[start : start + tile.width])
            found[tile.path] = sha256(content).hexdigest()
    assert found == {tile["path"]: tile["sha256"] for tile in GOLDEN["tiles"]}
    assert len(found) == 273 + 1 + 1 + 1 + 1  # of a tree of 70,000, says C2SP


@pytest.mark.parametrize("vector", GOLDEN["notes"], ids=lambda vector: repr(vector["text"])[:20])
def test_notes_are_signed_and_verified_alike(vector: Any) -> None:
    key = parse_verifier_key(vector["vkey"])
    private_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    signer = NoteSigner(key.name, private_key)
    assert signer.key == key
    found = parse_note(vector["note"].encode())
    assert found.text == vector["text"]
    assert found.signatures[0] == signer.sign(vector["text"])
    assert notes.verified(found, [key]) == (notes.Signed(key, None),)
    assert found.to_bytes().decode() == vector["note"]


@pytest.mark.parametrize("vector", GOLDEN["cosignatures"], ids=lambda vector: vector["vkey"][:18])
def test_cosignatures_are_made_and_verified_alike(vector: Any) -> None:
    key = parse_verifier_key(vector["vkey"])
    private_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    cosigner = Cosigner(key.name, private_key)
    checkpoint = notes.parse_checkpoint(vector["text"])
    made = cosigner.cosign(checkpoint, vector["time_s"])
    assert made.line() == vector["line"]
    note = Note(vector["text"], notes.parse_signatures(vector["line"]))
    assert notes.verified(note, [key]) == (notes.Signed(key, vector["time_s"]),)


def verdict(content: bytes) -> str:
    try:
        note = parse_note(content)
    except BadInput:
        return "m"
    try:
        found = notes.verified(note, [parse_verifier_key(GOLDEN["mutated_vkey"])])
    except BadInput:
        return "i"
    return "v" if found else "u"


def test_a_note_with_any_byte_changed_lost_or_doubled_gets_gos_verdict_or_a_stricter_one() -> None:
    signed = GOLDEN["mutated_note"].encode()
    found = ""
    for at in range(len(signed)):
        middles = (bytes([signed[at] ^ 1]), b"", signed[at : at + 1] * 2)
        found += "".join(verdict(signed[:at] + middle + signed[at + 1 :]) for middle in middles)
    differing = [
        at
        for at, pair in enumerate(zip(found, GOLDEN["mutated_verdicts"], strict=True))
        if pair[0] != pair[1]
    ]
    # Go takes base64 of which the last bits are lost; here a signature has one way to be written.
    assert {found[at] for at in differing} <= {"m"}
    assert [signed[at // 3 + 1 :][:1] for at in differing] == [b"="] * len(differing)
    assert set(found) == set("vuim")
