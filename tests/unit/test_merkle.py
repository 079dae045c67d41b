"""The RFC 9162 tree: published vectors, the definition itself, and what proofs must refuse."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runut import merkle
from runut.errors import BadInput

# The example tree of the Certificate Transparency implementations, with its published hashes.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (index, size): path
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
# (older size, newer size): proof
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]

sizes = st.integers(1, 140)


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(2)) for number in range(size)]


def root_as_defined(hashes: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word by word, from the leaf hashes on."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = root_as_defined(hashes[:split]), root_as_defined(hashes[split:])
    return sha256(b"\x01" + left + right).digest()


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "path"), INCLUSION.items())
def test_inclusion_paths_are_the_published_ones(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    found = merkle.inclusion_path(LEAVES[:size], index)
    assert [node.hex() for node in found] == path
    assert merkle.verify_inclusion(LEAVES[index], index, size, found, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("span", "proof"), CONSISTENCY.items())
def test_consistency_proofs_are_the_published_ones(span: tuple[int, int], proof: list[str]) -> None:
    old, new = span
    found = merkle.consistency_proof(LEAVES[:new], old)
    assert [node.hex() for node in found] == proof
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    assert merkle.verify_consistency(old, new, *roots, found)


@settings(deadline=None)
@given(st.integers(0, 140))
def test_the_root_is_the_one_that_the_rfc_defines(size: int) -> None:
    assert merkle.root(leaves(size)) == root_as_defined(leaves(size))


@settings(deadline=None)
@given(sizes)
def test_all_paths_at_once_equal_each_alone_and_prove_their_leaf(size: int) -> None:
    hashes = leaves(size)
    tree = merkle.levels(hashes)
    assert tree[-1] == [merkle.root(hashes)]
    for index, joined in enumerate(merkle.joined_paths(tree, b"end")):
        path = merkle.inclusion_path(hashes, index)
        assert joined == b"".join(path) + b"end"
        assert len(path) == merkle.path_length(index, size)
        assert merkle.verify_inclusion(hashes[index], index, size, path, tree[-1][0])


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_a_leafs_way_joins_that_of_any_other_leaf_and_equals_its_own(size: int, data: Any) -> None:
    hashes = leaves(size)
    paths = [merkle.inclusion_path(hashes, index) for index in range(size)]
    ways = [merkle.way_up(hashes[i], i, size, b"".join(path)) for i, path in enumerate(paths)]
    one, other = (ways[data.draw(st.integers(0, size - 1))] for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.joined_by(hashes[other.index], other.index, other.path) == other
    is_sibling = one.index ^ 1 == other.index
    assert one.is_beside(hashes[other.index], other.index, other.path) == is_sibling


@settings(deadline=None)
@given(st.integers(2, 60), st.data())
def test_what_was_changed_joins_no_way(size: int, data: Any) -> None:
    hashes = leaves(size)
    paths = [b"".join(merkle.inclusion_path(hashes, index)) for index in range(size)]
    known, index = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    way = merkle.way_up(hashes[known], known, size, paths[known])
    assert way is not None
    flipped = bytearray(hashes[index] + paths[index])
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1
    leaf, path = bytes(flipped[:32]), bytes(flipped[32:])
    assert way.joined_by(leaf, index, path) is None
    assert not way.is_beside(leaf, index, path)
    assert not way.is_beside(hashes[index], index, paths[index][32:])
    assert not way.is_beside(hashes[index], size, paths[index])
    assert way.joined_by(hashes[index], size, paths[index]) is None
    assert way.joined_by(hashes[index], index, paths[index][32:]) is None


@settings(deadline=None)
@given(sizes, st.data())
def test_a_path_proves_no_other_place(size: int, data: Any) -> None:
    hashes = leaves(size)
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-2, size + 2))
    path, root = merkle.inclusion_path(hashes, index), merkle.root(hashes)
    assert merkle.verify_inclusion(hashes[index], other, size, path, root) == (other == index)


@settings(deadline=None)
@given(sizes, st.data())
def test_a_flipped_bit_breaks_an_inclusion_proof(size: int, data: Any) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof = [hashes[index], merkle.root(hashes), *merkle.inclusion_path(hashes, index)]
    changed = data.draw(st.integers(0, len(proof) - 1))
    proof[changed] = flip(proof[changed], data.draw(st.integers(0, 255)))
    leaf, root, *path = proof
    assert not merkle.verify_inclusion(leaf, index, size, path, root)


@settings(deadline=None)
@given(sizes, st.data())
def test_a_path_of_another_length_proves_nothing(size: int, data: Any) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion_path(hashes, index), merkle.root(hashes)
    for longer in ([*path, root], [root, *path]):
        assert not merkle.verify_inclusion(hashes[index], index, size, longer, root)
    if path:
        assert not merkle.verify_inclusion(hashes[index], index, size, path[:-1], root)


def test_what_is_no_hash_is_no_leaf_even_where_the_bytes_would_add_up() -> None:
    root = merkle.root(LEAVES[:2])
    both = LEAVES[0] + LEAVES[1]
    assert not merkle.verify_inclusion(b"", 0, 2, [both], root)
    assert not merkle.verify_inclusion(both, 0, 2, [b""], root)


@settings(deadline=None)
@given(sizes, st.data())
def test_every_tree_is_proved_to_extend_its_earlier_self(size: int, data: Any) -> None:
    hashes = leaves(size)
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(hashes, old)
    roots = merkle.root(hashes[:old]), merkle.root(hashes)
    assert merkle.verify_consistency(old, size, *roots, proof)


@settings(deadline=None)
@given(st.integers(2, 140), st.data())
def test_a_rewritten_leaf_cannot_be_proved_consistent(size: int, data: Any) -> None:
    hashes = leaves(size)
    old = data.draw(st.integers(1, size - 1))
    old_root = merkle.root(hashes[:old])
    rewritten = data.draw(st.integers(0, old - 1))
    hashes[rewritten] = flip(hashes[rewritten], data.draw(st.integers(0, 255)))
    proof = merkle.consistency_proof(hashes, old)
    assert not merkle.verify_consistency(old, size, old_root, merkle.root(hashes), proof)


@settings(deadline=None)
@given(st.integers(2, 140), st.data())
def test_a_flipped_bit_or_another_length_breaks_a_consistency_proof(size: int, data: Any) -> None:
    hashes = leaves(size)
    old = data.draw(st.integers(1, size - 1))
    roots = merkle.root(hashes[:old]), merkle.root(hashes)
    proof = merkle.consistency_proof(hashes, old)
    changed = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = [flip(node, bit) if at == changed else node for at, node in enumerate(proof)]
    for wrong in (flipped, proof[:-1], proof[1:], [*proof, roots[1]], [roots[0], *proof]):
        assert not merkle.verify_consistency(old, size, *roots, wrong)


def test_consistency_at_its_ends_needs_an_empty_proof_and_the_right_roots() -> None:
    root, other = merkle.root(LEAVES), merkle.root(LEAVES[:7])
    empty = merkle.EMPTY_ROOT
    assert merkle.verify_consistency(8, 8, root, root, [])
    assert merkle.verify_consistency(0, 8, empty, root, [])
    assert merkle.verify_consistency(0, 0, empty, empty, [])
    assert not merkle.verify_consistency(8, 8, root, other, [])
    assert not merkle.verify_consistency(8, 8, root, root, [root])
    assert not merkle.verify_consistency(0, 8, other, root, [])
    assert not merkle.verify_consistency(8, 7, root, other, [])
    assert not merkle.verify_consistency(-1, 8, other, root, [])


@settings(deadline=None)
@given(st.integers(0, 140))
def test_a_frontier_has_the_root_of_all_that_was_appended(size: int) -> None:
    frontier = merkle.Frontier()
    for index, leaf in enumerate(leaves(size)):
        assert frontier.size == index
        frontier.append(leaf)
    assert frontier.root() == merkle.root(leaves(size))


@settings(deadline=None)
@given(st.integers(0, 140), st.integers(0, 20))
def test_a_frontier_goes_on_where_its_bytes_were_written(size: int, more: int) -> None:
    frontier = merkle.Frontier()
    frontier.extend(leaves(size))
    again = merkle.Frontier.from_bytes(frontier.to_bytes())
    again.extend(leaves(size + more)[size:])
    assert (again.size, again.root()) == (size + more, merkle.root(leaves(size + more)))


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:5]])
def test_a_frontier_of_the_wrong_length_is_refused(change: Any) -> None:
    frontier = merkle.Frontier()
    frontier.extend(LEAVES[:7])
    with pytest.raises(BadInput, match="frontier"):
        merkle.Frontier.from_bytes(change(frontier.to_bytes()))


def test_what_has_no_leaf_has_no_proof() -> None:
    with pytest.raises(BadInput, match="leaf index"):
        merkle.inclusion_path(LEAVES, 8)
    with pytest.raises(BadInput, match="older size"):
        merkle.consistency_proof(LEAVES, 9)
