"""Leaves by the batch are leaves one by one; what is checked of a signature is a fact of bytes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.leaves import PartitionTree, chains, grow
from consumers.signature_checks import NOT_CHECKED, SignatureChecker
from projections.seals.known import StoredTree
from projections.seals.store import Growth
from projections.seals.trees import NO_RECORD
from runut import merkle
from runut.directory import founded
from runut.merkle_map import NO_RECORDS, MerkleMap
from runut.records import LOG_APPEND_TIME, RawRecord, filler_leaf, key_hash
from runut.tiles import GrowingTree
from tests.builders import LEDGER_ID, directory_log, directory_records

TREE = StoredTree(1, "runut.events", 3)
DIRECTORY = directory_log()


def checker() -> SignatureChecker:
    return SignatureChecker(DIRECTORY, LEDGER_ID, {})


def record(offset: int, key: str) -> RawRecord:
    return RawRecord("runut.events", 3, offset, 1, LOG_APPEND_TIME, key.encode(), b"", ())


def grown(batches: Sequence[Sequence[RawRecord]]) -> tuple[PartitionTree, list[Growth]]:
    tree = PartitionTree(TREE, GrowingTree(), MerkleMap())
    return tree, [grow(tree, batch, checker()) for batch in batches]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=40), st.data())
def test_records_in_any_batches_give_the_same_leaves(steps: list[int], data: st.DataObject) -> None:
    offsets = [sum(steps[: n + 1]) - 1 for n in range(len(steps))]
    records = [record(offset, f"case/{offset % 4}") for offset in offsets]
    cut = data.draw(st.integers(0, len(records)))
    whole, _ = grown([records])
    parts, growths = grown([records[:cut], records[cut:]])
    assert whole.unsealed == parts.unsealed
    assert whole.growing.root() == parts.growing.root()
    assert whole.size == parts.size == offsets[-1] + 1
    assert [one.first for one in growths] == [0, offsets[cut - 1] + 1 if cut else 0]


def test_an_offset_without_a_record_has_a_leaf_of_its_own_and_no_key() -> None:
    tree, [growth] = grown([[record(2, "case/X")]])
    fillers = [filler_leaf("runut.events", 3, offset) for offset in (0, 1)]
    assert tree.unsealed == [
        *((None, leaf) for leaf in fillers),
        (key_hash(b"case/X"), record(2, "case/X").leaf()),
    ]
    assert growth.record_hashes[:2] == growth.key_hashes[:2] == [NO_RECORD] * 2
    assert tree.growing.root() == merkle.root([leaf for _, leaf in tree.unsealed])
    assert grow(tree, [], checker(), 5).first == 3
    assert (tree.size, tree.unsealed[-1]) == (5, (None, filler_leaf("runut.events", 3, 4)))


def test_a_seal_takes_the_leaves_up_to_its_size_into_the_chains_of_their_keys() -> None:
    tree, _ = grown([[record(n, f"case/{n % 2}") for n in range(5)]])
    leaves = [leaf for _, leaf in tree.unsealed]
    first = chains(tree.map, tree.changes(3))
    assert first == {
        key_hash(b"case/0"): NO_RECORDS.then(leaves[0]).then(leaves[2]),
        key_hash(b"case/1"): NO_RECORDS.then(leaves[1]),
    }
    tree.seal(3, tree.map.updated(first)[0])
    assert (tree.sealed_size, tree.size) == (3, 5)
    rest = chains(tree.map, tree.changes(5))
    assert rest[key_hash(b"case/0")] == first[key_hash(b"case/0")].then(leaves[4])
    assert rest[key_hash(b"case/1")] == first[key_hash(b"case/1")].then(leaves[3])


def test_a_signature_is_checked_under_the_key_that_the_record_names() -> None:
    check = checker()
    records = directory_records()
    # A root key signed them all.
    [number] = {check.check(one) for one in records}
    [root_key] = founded(DIRECTORY.latest.ledger).root_keys
    assert check.take_new() == {(root_key, True): number}
    assert check.take_new() == {}
    changed = replace(records[3], value=(records[3].value or b"")[:-1] + b"x")
    failed = check.check(changed)
    assert check.take_new() == {(root_key, False): failed}
    assert check.check(records[3]) == number


def test_what_nobody_signed_or_names_no_agency_goes_unchecked() -> None:
    signed = directory_records()[3]
    without = {
        name: replace(signed, headers=tuple(h for h in signed.headers if h[0] != name))
        for name in ("runut-signature", "runut-key-id", "ce_source")
    }
    others = [
        replace(signed, key=None),
        replace(signed, value=None),
        replace(signed, key=b"\xff"),
        record(0, "case/X"),
    ]
    check = checker()
    assert {check.check(one) for one in [*without.values(), *others]} == {NOT_CHECKED}
    assert check.take_new() == {}
