"""Write trees, maps and seals, each batch in one fenced transaction.

Owns the sealer's side of PostgreSQL. Works as a role that can add rows and nothing else; the one
row it may change says who the sealer is, and every write holds it, so that two that seal for a
moment cannot both write.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import sql

from projections.queries import queries
from projections.seals.install import SEALER_ROLE
from projections.seals.known import StoredTree
from projections.seals.trees import NO_RECORD, SEAL_LOG
from runut.adapters.postgres import Connection
from runut.errors import FencedOut, LedgerMismatch
from runut.merkle import leaf_hash
from runut.records import hashed_entry
from runut.tiles import TILE_WIDTH, TileNode

_SQL: Final = queries("sealing")

SignatureCheck = tuple[bytes, bool]
"""A public key, and whether the signature verified under it."""


class Tip(msgspec.Struct, frozen=True):
    """How far a tree goes."""

    tree: StoredTree
    next_offset: int
    """Also the number of leaves."""
    leaf_hash: bytes | None
    """Of the last leaf; None where there is none, or its offset holds no record."""

    @property
    def partition(self) -> int:
        """That the tree is of."""
        return self.tree.partition


class Growth(msgspec.Struct):
    """Leaves to be added to a tree, as columns, and the hashes of higher tiles that they complete.

    Of an offset without a record both hashes are `NO_RECORD`.
    """

    tree: int
    first: int
    key_hashes: list[bytes]
    record_hashes: list[bytes]
    signature_checks: list[int]
    """Number of each leaf's signature check; 0 where there was none."""
    nodes: list[TileNode]


class StoredSeal(msgspec.Struct, frozen=True):
    """A seal with the checkpoint that ends with it; without its signature it is yet to be signed.

    `signature` is the line of the note.
    """

    index: int
    entry: bytes
    checkpoint: str
    signature: str | None = None


class SealStore:
    """The tables, open for the one sealer. Not to be shared between tasks."""

    def __init__(self, connection: Connection, epoch: int) -> None:
        self.connection = connection
        self.epoch = epoch

    @classmethod
    async def claim(cls, connection: Connection, trees: Sequence[StoredTree]) -> SealStore:
        """Become the sealer of these trees, over a connection of one's own.

        Raises:
            LedgerMismatch: the tables are of other trees.
        """
        await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(SEALER_ROLE)))
        # Leaves that a crash of PostgreSQL takes back are read again; seals are waited for.
        await connection.execute("SET synchronous_commit = off")
        cursor = await connection.execute(_SQL["claim"])
        [[epoch]] = await cursor.fetchall()
        store = cls(connection, epoch)
        await store._name(trees)
        return store

    async def tips(self) -> list[Tip]:
        """How far each tree goes, that of the log of seals apart."""
        cursor = await self.connection.execute(_SQL["tips"], binary=True)
        return [
            Tip(StoredTree(tree, topic, partition), size, _last_leaf(key, record))
            for tree, topic, partition, size, key, record in await cursor.fetchall()
        ]

    async def signature_checks(self) -> dict[SignatureCheck, int]:
        """The numbers of all outcomes so far."""
        cursor = await self.connection.execute(_SQL["signature_checks"], binary=True)
        return {(key, is_valid): number for number, key, is_valid in await cursor.fetchall()}

    async def last_seal(self) -> StoredSeal | None:
        """The seal committed last, signed or not."""
        cursor = await self.connection.execute(_SQL["last_seal"], binary=True)
        row = await cursor.fetchone()
        return StoredSeal(*row) if row else None

    async def seal(self, index: int) -> StoredSeal:
        """A committed seal.

        Raises:
            LedgerMismatch: there is none of that index.
        """
        cursor = await self.connection.execute(_SQL["seal"], {"index": index}, binary=True)
        row = await cursor.fetchone()
        if row is None:
            raise LedgerMismatch(f"seal {index}: expected it in the tables, found none")
        return StoredSeal(*row)

    async def grow(self, growths: Sequence[Growth], checks: Mapping[SignatureCheck, int]) -> None:
        """Add leaves, and outcomes of signature checks that are new with them.

        Raises:
            FencedOut: somebody else is the sealer (so do all that write).
        """
        new_checks = [(number, key, is_valid) for (key, is_valid), number in checks.items()]
        async with self._writing():
            await self._add("add_signature_check", new_checks)
            await self._add("add_leaf_run", [run for one in growths for run in _runs(one)])
            await self._add("add_tile_node", [node for one in growths for node in _nodes(one)])

    async def save_seal(
        self,
        seal: StoredSeal,
        sealed_at: datetime,
        pages: Mapping[bytes, bytes],
        nodes: Sequence[TileNode],
    ) -> None:
        """Add a seal and the map pages it needs; durable when this returns."""
        row = (seal.index, sealed_at, seal.entry, leaf_hash(seal.entry), seal.checkpoint)
        of_log = [(SEAL_LOG, node.level, node.index, node.hash) for node in nodes]
        async with self._writing(durably=True):
            await self._add("add_map_page", list(pages.items()))
            await self._add("add_tile_node", of_log)
            await self._add("add_seal", [row])

    async def save_signature(self, index: int, line: str) -> None:
        """Add the signature of a seal's checkpoint; durable when this returns."""
        async with self._writing(durably=True):
            await self._add("add_seal_signature", [(index, line)])

    async def _name(self, trees: Sequence[StoredTree]) -> None:
        named = {
            "trees": [one.tree for one in trees],
            "topics": [one.topic for one in trees],
            "partitions": [one.partition for one in trees],
        }
        async with self._writing():
            await self.connection.execute(_SQL["name_trees"], named)
            cursor = await self.connection.execute("SELECT tree, topic, partition FROM tree")
            found = {StoredTree(*row) for row in await cursor.fetchall()}
        if found != set(trees):
            other = sorted(found ^ set(trees), key=lambda one: one.tree)
            raise LedgerMismatch(
                f"trees of the seals: expected those of this ledger, found {other}"
            )

    @asynccontextmanager
    async def _writing(self, *, durably: bool = False) -> AsyncIterator[None]:
        async with self.connection.transaction():
            if durably:
                await self.connection.execute("SET LOCAL synchronous_commit = on")
            cursor = await self.connection.execute(_SQL["hold"], {"epoch": self.epoch})
            if await cursor.fetchone() is None:
                raise FencedOut(None, self.epoch)
            yield

    async def _add(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            async with self.connection.pipeline(), self.connection.cursor() as cursor:
                await cursor.executemany(_SQL[query], rows)


def _last_leaf(key_hash: bytes | None, record_hash: bytes | None) -> bytes | None:
    if key_hash is None or record_hash is None or record_hash == NO_RECORD:
        return None
    return leaf_hash(hashed_entry(key_hash, record_hash))


def _runs(growth: Growth) -> Iterator[tuple[Any, ...]]:
    """The leaves as rows: each within one tile."""
    count, start = len(growth.key_hashes), 0
    while start < count:
        first = growth.first + start
        end = min(count, start + TILE_WIDTH - first % TILE_WIDTH)
        yield (
            growth.tree,
            first,
            end - start,
            b"".join(growth.key_hashes[start:end]),
            b"".join(growth.record_hashes[start:end]),
            struct.pack(f">{end - start}H", *growth.signature_checks[start:end]),
        )
        start = end


def _nodes(growth: Growth) -> Iterator[tuple[Any, ...]]:
    return ((growth.tree, node.level, node.index, node.hash) for node in growth.nodes)
