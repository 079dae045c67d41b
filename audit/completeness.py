"""Whether records are all that there are: of a tree, or of one key (integrity.md §3).

Pure. Relies on a seal's heads; who says that the seal is to be believed is not asked here.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.bundle import Bundle, Chained, Place
from runut import merkle
from runut.errors import BadInput
from runut.merkle_map import EMPTY, NO_RECORDS, Chain, root_of
from runut.records import RawRecord, filler_leaf, leaf_entry
from runut.seals import TreeHead


def demand_whole_tree(records: Sequence[RawRecord], head: TreeHead) -> None:
    """That these are all records of a tree, by its root and by that of its map.

    Raises:
        BadInput: one is missing, changed, moved or too many.
    """
    thing = f"records of {head.topic}/{head.partition}"
    by_offset = {record.offset: record for record in records}
    if len(by_offset) != len(records) or any(
        (one.topic, one.partition) != head.place or one.offset >= head.size for one in records
    ):
        raise BadInput(thing, f"the first {head.size}, each once", f"{len(records)} records")
    leaves, chains = [], dict[bytes, Chain]()
    for offset in range(head.size):
        record = by_offset.get(offset)
        if record is None:
            leaves.append(filler_leaf(*head.place, offset))
            continue
        key, _, leaf = record.hashes()
        leaves.append(leaf)
        chains[key] = chains.get(key, NO_RECORDS).then(leaf)
    found = merkle.root(leaves), root_of(chains) if chains else EMPTY
    if found != (head.root, head.map_root):
        expected = f"those of root {head.root.hex()}, map {head.map_root.hex()}"
        raise BadInput(thing, expected, " and ".join(one.hex() for one in found))


def demand_all_of_key(
    bundle: Bundle,
    key: str,
    records: Sequence[RawRecord],
    places: Sequence[Place],
    chained: Chained,
) -> None:
    """That these are the records of a key, each at its place and in order, and no other exists.

    Raises:
        BadInput: one is missing, changed, moved, doubled or of another key.
    """
    if [one.offset for one in records] != [one.offset for one in places]:
        raise BadInput(f"places of {key}", "one for each record, in order", "others")
    chain = NO_RECORDS
    for record, place in zip(records, places, strict=True):
        if record.key != key.encode():
            raise BadInput(f"record {record.offset}", f"the key {key}", record.key)
        entry = leaf_entry(record.key, record.encoded())
        bundle.record_proof(record, place, entry).demand()
        chain = chain.then(merkle.leaf_hash(entry))
    bundle.key_proof(key, chained).demand()
    found = chain.head if chain.count else None
    if (chain.count, found) != (chained.count, chained.chain_head):
        raise BadInput(f"records of {key}", f"{chained.count}, of one chain", f"{chain.count}")
