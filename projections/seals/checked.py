"""What the sealer found of signatures, for whoever reads the same records again.

Owns when that is to be believed: where a record has the very hash that stands in its leaf, and its
signature held (docs/decisions/0289). All else is verified anew. Nothing here is a verdict.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final, NamedTuple

from projections.install import installed_version, version_of
from projections.queries import queries
from runut.adapters.postgres import Connection
from runut.log_reader import MARKER_PREFIX
from runut.merkle import HASH_SIZE
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import VerifiedBatches

_SQL: Final = queries("checked")
_NUMBER_SIZE: Final = 2


class _Run(NamedTuple):
    """Consecutive leaves."""

    first: int
    record_hashes: bytes
    signature_checks: bytes


class SealedBatches(VerifiedBatches):
    """Verifies what the sealer did not."""

    def __init__(self, connection: Connection) -> None:
        """Know no leaves, until those of a partition are found."""
        super().__init__()
        self._connection = connection
        self._tree: int | None = None
        self._runs: list[_Run] = []
        self._keys: dict[int, bytes] = {}
        """Public keys by the number of the outcome that a signature held under them."""

    def is_signed(self, public_key: bytes, size: int, signed_root: bytes, root: bytes) -> bool:
        """Whether the key signed a batch that is not remembered."""
        known = self.record and self.signed_by(self.record)
        return known == public_key or super().is_signed(public_key, size, signed_root, root)

    async def find(self, settings: Settings, partition: int) -> None:
        """Find the leaves of the events topic, where a sealer of this release keeps them."""
        self._tree = None
        if await installed_version(self._connection, settings.seals_schema) != version_of("seals"):
            return
        asked = {"topic": settings.events_topic, "partition": partition}
        trees = await self._ask("tree", asked)
        self._tree = trees[0][0] if trees else None
        self._keys = dict(await self._ask("valid_signatures", {}))

    async def read(self, first: int, last: int) -> None:
        """Know the leaves of these offsets; what was known of others may be forgotten."""
        self._runs = []
        if self._tree is not None:
            asked = {"tree": self._tree, "first": first, "last": last}
            self._runs = [_Run(*row) for row in await self._ask("leaf_runs", asked)]

    def signed_by(self, record: RawRecord) -> bytes | None:
        """The public key under which a record's signature was found to hold, if one is known."""
        at = bisect_right(self._runs, record.offset, key=_first) - 1
        # A marker's schema is not looked up by its id, as the sealer does: it is verified.
        if at < 0 or (record.key or b"").startswith(MARKER_PREFIX):
            return None
        run = self._runs[at]
        place = record.offset - run.first
        number = run.signature_checks[_NUMBER_SIZE * place :][:_NUMBER_SIZE]
        key = self._keys.get(int.from_bytes(number))
        if key is None:
            return None
        sealed = run.record_hashes[HASH_SIZE * place :][:HASH_SIZE]
        _, found, _ = record.hashes()
        return key if found == sealed else None

    async def _ask(self, query: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(_SQL[query], asked, binary=True)
        return await cursor.fetchall()


def _first(run: _Run) -> int:
    return run.first
