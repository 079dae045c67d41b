"""Write the golden vectors of the map of keys: tests/golden/map.json.

Run after a deliberate change of the format only: roots of maps stand in seals that are signed. Each
case has the chains of a map by key, its root, and proofs of keys it has and of one it lacks; hashes
are hex.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from runut.merkle_map import Chain, MerkleMap

PLACE: Final = Path(__file__).resolve().parents[1] / "tests" / "golden" / "map.json"


def main() -> None:
    """Write the file."""
    PLACE.write_text(text())


def text() -> str:
    """What the file holds."""
    made = [case(name, keys) for name, keys in CASES.items()]
    return json.dumps(made, indent=1) + "\n"


def hashed(text: str) -> bytes:
    """A key or head."""
    return sha256(text.encode()).digest()


# Keys are hashes; some are made so that they part late, or one right after the other.
CASES: Final = {
    "empty": [],
    "one key": [hashed("case/1")],
    "two keys that part at the first bit": [b"\x00" * 32, b"\x80" + b"\x00" * 31],
    "two keys that part at the last bit": [b"\xff" * 32, b"\xff" * 31 + b"\xfe"],
    "three keys, two of them near": [b"\x00" * 32, b"\x80" * 32, b"\x80\x80\x81" + bytes(29)],
    "a hundred subjects": [hashed(f"case/{number}") for number in range(100)],
}


def case(name: str, keys: list[bytes]) -> dict[str, Any]:
    """A map, its root and some proofs."""
    chains = {key: Chain(place + 1, hashed(f"head {place}")) for place, key in enumerate(keys)}
    tree, _ = MerkleMap().updated(chains)
    asked = [*keys[:2], hashed("a key that is nowhere")]
    return {
        "name": name,
        "chains": [
            {"key": key.hex(), "count": chain.count, "head": chain.head.hex()}
            for key, chain in chains.items()
        ],
        "root": tree.root.hex(),
        "proofs": [proof(tree, key) for key in asked],
    }


def proof(tree: MerkleMap, key: bytes) -> dict[str, Any]:
    """A proof as JSON; `leaf` is null where there is none."""
    found = tree.prove(key)
    leaf = found.leaf and {
        "key": found.leaf.key.hex(),
        "count": found.leaf.chain.count,
        "head": found.leaf.chain.head.hex(),
    }
    return {"key": key.hex(), "siblings": [one.hex() for one in found.siblings], "leaf": leaf}


if __name__ == "__main__":
    main()
