"""The sealer against real Kafka and PostgreSQL: seals are what the log gives, and stay that."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from itertools import count
from typing import Any

import psycopg
import pytest
from aiokafka.structs import TopicPartition

from consumers import tree_reading
from consumers.tree_reading import TreeReading
from projections.seals.install import SEALER_ROLE
from projections.seals.log import first_covering
from projections.seals.proofs import Proofs
from projections.seals.receipts import find_place, prove_inclusion
from runut.adapters.postgres import Connection, connected
from runut.directory_log import DirectoryLog
from runut.errors import BadInput, NotFound
from runut.log_reader import PartitionReader
from runut.merkle_map import NO_RECORDS
from runut.records import key_hash, leaf_entry
from runut.settings import Settings
from tests.integration.sealing_stage import (
    Place,
    SealedLedger,
    check_seals,
    last_records,
    leaves_of,
    published,
    read_places,
    sealing,
    until_sealed,
    write,
)
from tests.ledgers import introduce_agencies


@pytest.fixture
async def reader(sealed: SealedLedger) -> AsyncIterator[Connection]:
    """A connection to the tables of the seals."""
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        yield connection


def test_every_seal_is_what_the_log_gives_again(sealed: SealedLedger) -> None:
    check_seals(sealed.seals, sealed.log)
    assert len(sealed.seals) >= 3
    offsets = [record.offset for record in sealed.log[sealed.settings.events_topic, 2]]
    assert len(offsets) < offsets[-1] + 1  # some offset holds no record
    assert max(head.size for head in sealed.seals[-1].seal.heads) > 256


async def test_leaves_show_who_signed(sealed: SealedLedger, reader: Connection) -> None:
    cursor = await reader.execute(
        'SELECT topic, partition, "offset", signature_is_valid FROM leaf ORDER BY 1, 2, 3'
    )
    shown = {row[:3]: row[3] for row in await cursor.fetchall()}
    records = [record for some in sealed.log.values() for record in some]
    for record in records:
        place = (record.topic, record.partition, record.offset)
        is_signed = any(name == "runut-signature" for name, _ in record.headers)
        assert shown[place] is (True if is_signed else None)
    assert len(shown) > len(records)


async def test_a_record_is_proved_by_any_seal_that_covers_it(
    sealed: SealedLedger, reader: Connection
) -> None:
    proofs, chance = Proofs(reader, sealed.settings), random.Random(5)
    for one in sealed.seals:
        for head in one.seal.heads:
            records = [r for r in sealed.log[head.place] if r.offset < head.size]
            for record in chance.sample(records, min(4, len(records))):
                proof = await proofs.record(*head.place, record.offset, one.seal.index)
                assert proof.entry == leaf_entry(record.key, record.encoded())
                assert proof.demand() == one.seal
                assert proof.seal.checkpoint() == one.checkpoint


async def test_a_key_is_proved_to_have_so_many_records_and_no_more(
    sealed: SealedLedger, reader: Connection
) -> None:
    proofs = Proofs(reader, sealed.settings)
    for one in (sealed.seals[0], sealed.seals[len(sealed.seals) // 2], sealed.seals[-1]):
        for key in ("case/RANDOM-1", "case/NOBODY", "agency/kp2mi", "directory/3", "ledger/runut"):
            place = await proofs.place_of(key)
            chain = NO_RECORDS
            size = one.seal.head(*place).size
            for hashed, leaf in leaves_of(place, sealed.log[place])[:size]:
                if hashed == key_hash(key.encode()):
                    chain = chain.then(leaf)
            proof = await proofs.key(key, one.seal.index)
            assert proof.demand() == one.seal
            assert (proof.count, proof.chain_head) == (
                chain.count,
                chain.head if chain.count else None,
            )


async def test_the_log_of_seals_is_proved_to_have_only_grown(
    sealed: SealedLedger, reader: Connection
) -> None:
    proofs, count = Proofs(reader, sealed.settings), len(sealed.seals)
    for old_size, new_size in ((1, None), (1, count), (2, count - 1), (count, count)):
        proof = await proofs.growth(old_size, new_size)
        proof.demand()
        assert proof.old_root == sealed.seals[old_size - 1].checkpoint.root
        assert proof.new_root == sealed.seals[(new_size or count) - 1].checkpoint.root
    first, last = sealed.seals[0].seal, sealed.seals[-1].seal
    for old, new in zip(first.heads, last.heads, strict=True):
        if old.size:
            (await proofs.tree_growth(old, new)).demand()
    with pytest.raises(NotFound, match=f"there are {count} so far"):
        await proofs.growth(1, count + 1)
    with pytest.raises(BadInput, match="older size"):
        await proofs.growth(3, 2)


async def test_a_receipt_names_the_first_seal_that_covers_the_event(
    sealed: SealedLedger, reader: Connection
) -> None:
    settings = sealed.settings
    for place, records in sealed.log.items():
        for record in records[:1] + records[-1:]:
            shown = await find_place(reader, settings, _name(settings, place, record.offset))
            inclusion = await prove_inclusion(reader, settings, shown)
            covering = [one for one in sealed.seals if one.seal.head(*place).size > record.offset]
            assert inclusion.first_sealed.index == covering[0].seal.index
            assert inclusion.proof.demand().head(*place).size > record.offset
    assert await first_covering(reader, settings.events_topic, 0, 10**6) is None


def _name(settings: Settings, place: Place, offset: int) -> str:
    topic, partition = place
    return f"{'directory' if topic == settings.directory_topic else partition}:{offset}"


async def test_what_is_not_sealed_or_not_there_is_not_proved(
    sealed: SealedLedger, reader: Connection
) -> None:
    settings = sealed.settings
    proofs = Proofs(reader, settings)
    with pytest.raises(NotFound, match="no seal covers it yet"):
        await proofs.record(settings.events_topic, 0, 10**6, None)
    with pytest.raises(NotFound, match="seal 0 does not cover it"):
        await proofs.record(settings.events_topic, 0, 10**6, 0)
    with pytest.raises(NotFound, match="no such partition"):
        await proofs.record(settings.events_topic, 99, 0, None)
    with pytest.raises(NotFound, match="seal 1000000"):
        await proofs.key("case/X", 10**6)
    with pytest.raises(BadInput, match="PARTITION:OFFSET"):
        await find_place(reader, settings, "case/X")


@pytest.mark.parametrize("role", [SEALER_ROLE, None])
async def test_what_was_written_can_be_neither_changed_nor_deleted(
    sealed: SealedLedger, reader: Connection, role: str | None
) -> None:
    if role:
        await reader.execute(f"SET ROLE {role}")
    tables = ("tree", "signature_check", "leaf_run", "tile_node", "map_page", "seal")
    for table in (*tables, "seal_signature", "cosignature"):
        column = {"leaf_run": "size", "tile_node": "level", "map_page": "page"}.get(table)
        changes = [
            f"UPDATE {table} SET {column or 'index'} = {column or 'index'}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ]
        if table in {"tree", "signature_check"}:
            changes[0] = f"UPDATE {table} SET {table} = {table}"
        for statement in changes:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await reader.execute(statement)
    if role:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await reader.execute("DELETE FROM sealer")


async def test_of_two_sealers_one_seals_and_the_other_takes_over(sealed: SealedLedger) -> None:
    settings = sealed.settings
    async with sealing(settings) as one:
        await until_sealed(settings, one)
        async with sealing(settings) as other:
            await write(settings, "ONE")
            await until_sealed(settings, one)
            assert not other.done()
            one.cancel()
            await asyncio.wait([one])
            await write(settings, "OTHER")
            await until_sealed(settings, other)
    check_seals(await published(settings), await read_places(settings))


async def test_no_seal_has_a_marker_without_the_directory_that_it_announces(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await introduce_agencies(ledger)
    whole, fetches = TreeReading._fetch, count()

    async def late(self: TreeReading, places: Iterable[TopicPartition]) -> Any:
        """The broker of the directory answers last."""
        late = next(fetches) < 8
        asked = [p for p in places if p.topic != ledger.directory_topic or not late]
        return await whole(self, asked)

    monkeypatch.setattr(TreeReading, "_fetch", late)
    async with sealing(ledger) as sealer:
        await until_sealed(ledger, sealer)
    log = await read_places(ledger)
    readers = {place: PartitionReader(place[1], DirectoryLog()) for place in log}
    for one in await published(ledger):
        directory = one.seal.head(ledger.directory_topic, 0).size
        for head in one.seal.heads:
            found = [readers[head.place].announces(one) for one in log[head.place][: head.size]]
            assert all(offset < directory for offset in found if offset is not None)


async def test_no_seal_is_made_before_what_waited_for_the_sealer_is_read(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else old records would seem to have come after it."""
    monkeypatch.setattr(tree_reading, "MAX_RECORDS", 10)
    await write(ledger, "WAITING", 200)
    waiting = await last_records(ledger)
    async with sealing(ledger.model_copy(update={"seal_count": 5})) as sealer:
        await until_sealed(ledger, sealer)
    first = (await published(ledger))[0].seal
    assert [p for p, offset in waiting.items() if first.head(*p).size <= offset] == []
