"""Sealers that are killed, lose their tables or see another log: no size is signed twice."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from psycopg import sql

from consumers.published_seals import ENTRY_HEADER
from projections.seals.install import install_seals
from projections.seals.store import Growth, SealStore
from projections.seals.trees import stored_trees
from runut.adapters import kafka
from runut.adapters.postgres import connected
from runut.adapters.topics import topic_configs
from runut.errors import FencedOut, LedgerMismatch, SealMismatch
from runut.keystore import KeyStore
from runut.settings import Settings
from tests.integration.sealing_stage import (
    Published,
    check_seals,
    published,
    read_places,
    refuse_to_seal,
    seal_all,
    write,
)
from tests.ledgers import PARTITIONS

KILLS = 10
STEPS = range(1, 23)
"""To the signature of the first seal: a sealer with something to do comes so far."""
TABLES = (
    *("tree", "signature_check", "leaf_run", "tile_node", "map_page"),
    *("seal", "seal_signature", "cosignature"),
)


@pytest.fixture
def often(founded: Settings) -> Settings:
    """A ledger that is sealed as soon as there is something."""
    return founded.model_copy(update={"seal_interval_s": 0.01})


async def test_a_sealer_killed_at_any_step_signs_no_size_twice_and_loses_nothing(
    often: Settings, tmp_path: Path
) -> None:
    chance = random.Random(7)
    file = tmp_path / "settings.json"
    file.write_text(often.model_dump_json())
    sealers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fixtures.killed_sealer", str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=(tmp_path / "log").open("wb"),
    )
    assert sealers.stdin
    assert sealers.stdout
    for kill, steps in enumerate(chance.sample(STEPS, KILLS)):
        await write(often, f"KILL-{kill}")
        sealers.stdin.write(f"{steps}\n".encode())
        # It ends in the middle of something: what it does is never finished by itself.
        assert await sealers.stdout.readline() == b"-9\n", (tmp_path / "log").read_text()
    sealers.stdin.close()
    assert await sealers.wait() == 0
    await seal_all(often)
    check_seals(_once_each(await published(often)), await read_places(often))


def _once_each(found: Sequence[Published]) -> list[Published]:
    """A note that was published twice is the same one."""
    by_size: dict[int, Published] = {}
    for one in found:
        before = by_size.setdefault(one.checkpoint.size, one)
        assert (before.note, before.entry) == (one.note, one.entry)
    return list(by_size.values())


async def test_a_sealer_that_lost_its_tables_makes_the_same_seals_again(often: Settings) -> None:
    for n in range(3):
        await write(often, f"A-{n}")
        await seal_all(often)
    before = await published(often)
    kept = await _seals_in_tables(often)
    await _drop_tables(often)
    await write(often, "B-9")
    await seal_all(often)
    after = await published(often)
    assert [one.note for one in after[: len(before)]] == [one.note for one in before]
    assert len(after) > len(before)
    check_seals(after, await read_places(often))
    assert (await _seals_in_tables(often))[: len(kept)] == kept


async def test_a_sealer_restored_from_a_backup_reproduces_what_it_signed_since(
    often: Settings,
) -> None:
    await seal_all(often)
    await _copy_tables(often, often.seals_schema, "backup")
    for n in range(2):
        await write(often, f"A-{n}")
        await seal_all(often)
    before = await published(often)
    await _restore_tables(often)
    await seal_all(often)
    assert await published(often) == before
    assert len(await _seals_in_tables(often)) == len(before)


async def test_a_sealer_is_not_taken_in_by_another_log(often: Settings) -> None:
    await write(often, "B-4")
    await seal_all(often)
    last = (await published(often))[-1].seal
    sizes = [head.size for head in last.heads if head.topic == often.events_topic]
    await _make_topic_anew(often, often.events_topic, PARTITIONS)
    with pytest.raises(LedgerMismatch, match="lost its tail"):
        await refuse_to_seal(often)
    await _drop_tables(often)
    with pytest.raises(
        SealMismatch, match=r"seal \d+, records of .*: expected at least \d+, found 0"
    ):
        await seal_all(often)
    await write(often, "OTHER", max(sizes) * PARTITIONS)
    with pytest.raises(SealMismatch, match=r"seal \d+, root of .* at size \d+: expected"):
        await refuse_to_seal(often)
    assert (await published(often))[-1].seal == last  # nothing was signed


async def test_tables_that_were_changed_by_hand_stop_the_sealer(often: Settings) -> None:
    await write(often, "B-4")
    await seal_all(often)
    changed = "UPDATE leaf_run SET record_hashes = sha256('x') || substring(record_hashes FROM 33)"
    async with connected(often, name="tests", autocommit=True) as connection:
        await connection.execute("GRANT UPDATE ON leaf_run TO CURRENT_USER")
        await connection.execute(f"{changed} WHERE tree = 1")
    with pytest.raises(SealMismatch, match=r"root of .*\.directory/0 at size \d+: expected"):
        await refuse_to_seal(often)


async def test_seals_lost_from_their_topic_are_published_again_as_they_were(
    often: Settings,
) -> None:
    await seal_all(often)
    await write(often, "B-2")
    await seal_all(often)
    before = await published(often)
    await _make_topic_anew(often, often.seals_topic, 1)
    await write(often, "B-2")
    await seal_all(often)
    assert (await published(often))[: len(before)] == before


async def test_after_a_loss_of_topic_and_tables_a_witness_s_checkpoint_has_to_be_reproduced(
    often: Settings, tmp_path: Path
) -> None:
    await seal_all(often)
    first = (await published(often))[0]
    await write(often, "B-2")
    await seal_all(often)
    last = (await published(often))[-1]
    file = tmp_path / "checkpoint"
    careful = often.model_copy(update={"seal_witnessed": file})
    file.write_bytes(last.note.to_bytes())
    await write(often, "C")
    await seal_all(careful)  # the log has that checkpoint
    last = (await published(often))[-1]
    file.write_bytes(last.note.to_bytes())

    await _drop_tables(often)
    await _make_topic_anew(often, often.seals_topic, 1)
    await _publish(often, first)
    expected = f"seal {last.seal.index}, .*expected to be published, found a log of 1 seals"
    with pytest.raises(SealMismatch, match=expected):
        await refuse_to_seal(careful)
    assert await published(often) == [first]


async def test_another_key_signs_nothing_in_a_log_that_has_seals(often: Settings) -> None:
    await seal_all(often)
    KeyStore(often.keys).new_seal_key()
    with pytest.raises(SealMismatch, match="checkpoint: expected one signed by"):
        await refuse_to_seal(often)


async def test_who_is_sealer_no_more_cannot_write(often: Settings) -> None:
    await seal_all(often)
    async with (
        connected(often, name="tests", autocommit=True) as one,
        connected(often, name="tests", autocommit=True) as other,
    ):
        await install_seals(one, often)
        trees = await stored_trees(one)
        former = await SealStore.claim(one, trees)
        await SealStore.claim(other, trees)
        grown = Growth(1, 10**6, [bytes(32)], [bytes(32)], [0], [])
        with pytest.raises(FencedOut, match="log of seals"):
            await former.grow([grown], {})
        with pytest.raises(FencedOut, match="log of seals"):
            await former.save_signature(10**6, "")
        cursor = await other.execute("SELECT FROM leaf_run WHERE first = 1000000")
        assert await cursor.fetchall() == []


async def _seals_in_tables(settings: Settings) -> list[tuple[object, ...]]:
    query = (
        "SELECT seal.index, entry, checkpoint, line FROM seal "
        "LEFT JOIN seal_signature USING (index) ORDER BY index"
    )
    async with connected(settings, name="tests", autocommit=True) as connection:
        cursor = await connection.execute(query)
        return await cursor.fetchall()


async def _drop_tables(settings: Settings) -> None:
    schema = sql.Identifier(settings.seals_schema)
    async with connected(settings, name="tests", autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))


async def _copy_tables(settings: Settings, schema: str, name: str) -> None:
    """Keep what the tables hold now, in a schema beside them."""
    beside = sql.Identifier(f"{schema}_{name}")
    async with connected(settings, name="tests", autocommit=True) as connection:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(beside))
        for table in TABLES:
            copy = sql.SQL("CREATE TABLE {}.{} AS TABLE {}")
            names = beside, sql.Identifier(table), sql.Identifier(table)
            await connection.execute(copy.format(*names))


async def _restore_tables(settings: Settings) -> None:
    """Put back what was kept, and nothing else."""
    await _drop_tables(settings)
    beside = sql.Identifier(f"{settings.seals_schema}_backup")
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install_seals(connection, settings)
        for table in TABLES:
            back = sql.SQL("INSERT INTO {} SELECT * FROM {}.{}")
            names = sql.Identifier(table), beside, sql.Identifier(table)
            await connection.execute(back.format(*names))


async def _make_topic_anew(settings: Settings, topic: str, partitions: int) -> None:
    """Delete a topic with everything in it, and make an empty one of the same name."""
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, admin):
        await admin.delete_topics([topic])
        async with asyncio.timeout(60):
            while topic in await admin.list_topics():
                await asyncio.sleep(0.05)
        anew = NewTopic(topic, partitions, 1, topic_configs=topic_configs(settings, "BROKER"))
        await admin.create_topics([anew])


async def _publish(settings: Settings, seal: Published) -> None:
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        await producer.send_and_wait(
            settings.seals_topic,
            seal.note.to_bytes(),
            key=b"runut/seals",
            headers=[(ENTRY_HEADER, seal.entry)],
        )
