"""Rebuild beside and swap, on real Kafka and PostgreSQL: nobody notices, and nothing is other."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from cli.platform import Services
from consumers.projector import Projector
from consumers.rebuilding.one_subject import rebuild_subject
from consumers.rebuilding.rebuild import Rebuilt, Wanted, alone, clean, rebuild
from embedded.platform import Endpoints
from projections import install as installing
from projections import rebuilding
from projections.present import Seen, present
from projections.reading import snapshot
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters import kafka
from runut.adapters.postgres import Connection, connected
from runut.directory_writer import DirectoryWriter
from runut.errors import FencedOut, LedgerMismatch, NotFound, PlatformError
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.settings import Settings
from tests.acceptance.many_cases import case_lines
from tests.acceptance.processes import variables
from tests.fold_check import check_against_fold
from tests.integration.logs import read_log
from tests.integration.odd_records import end_transactions

DEADLINE_S = 120.0
KILLS = 10
STEPS = range(1, 260)
"""Of a rebuild, from its beginning to its end."""
ONE = Wanted(processes=1)
LINES = case_lines(copies=1)
"""2,000 events of 50 cases; what was corrected is among them."""
FORGE_A_LINE = """INSERT INTO history
SELECT subject, 9999, event_id, type, agency, occurred_at, recorded_at, 99, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body, '{"a": 1}', security
  FROM history WHERE subject = %s AND seq = 1"""
"""In a partition that there is not."""


async def emit(settings: Settings, lines: Sequence[bytes]) -> dict[int, int]:
    """Send events, and what is none; gives the highest offset written in each partition."""
    ends: dict[int, int] = {}
    async with Producer(settings, require_keys=False) as producer:
        receipts = [await producer.send(from_json(line)) for line in lines]
        for receipt in receipts:
            stored = await receipt
            ends[stored.partition] = max(stored.offset, ends.get(stored.partition, -1))
    plain = kafka.producer(settings)
    async with kafka.connected(settings, plain):
        rubbish = await plain.send_and_wait(
            settings.events_topic, b"no event", key=b"case/X", partition=1
        )
    return {**ends, 1: rubbish.offset}


@asynccontextmanager
async def projecting(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A projector in this process, stopped at the end of the block."""
    task = asyncio.create_task(Projector(settings).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def do(settings: Settings, wanted: Wanted = ONE) -> Rebuilt:
    return await rebuild(settings, wanted, lambda _phase, _done, _total: None)


async def project(settings: Settings, connection: Connection, lines: Sequence[bytes]) -> None:
    ends = await emit(settings, lines)
    assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)


async def schemas(connection: Connection, settings: Settings) -> set[str]:
    """Endings of the names of this ledger's schemas of read models."""
    like = f"{settings.model_schema}%"
    cursor = await connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", [like]
    )
    return {row[0].removeprefix(settings.model_schema) for row in await cursor.fetchall()}


async def definitions(connection: Connection) -> list[tuple[Any, ...]]:
    """Everything that the schema of the read models holds, as it is defined."""
    cursor = await connection.execute(
        "SELECT relname, relkind::text, pg_get_indexdef(oid), reloptions::text FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')"
        " UNION ALL SELECT conname, contype::text, pg_get_constraintdef(oid), NULL"
        " FROM pg_constraint WHERE connamespace = current_schema()::regnamespace"
        " UNION ALL SELECT stxname, 's', pg_get_statisticsobjdef(oid), NULL"
        " FROM pg_statistic_ext WHERE stxnamespace = current_schema()::regnamespace"
        " ORDER BY 1, 2"
    )
    return await cursor.fetchall()


FIRST_CASE = "SELECT min(subject) FROM subject WHERE subject LIKE 'case/%'"


class Reader:
    """Reads on and on, over connections of its own, and remembers how far the read models were."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: dict[int, int] = {}
        self.reads = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._read())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _read(self) -> None:
        view = sql.SQL("SELECT count(*) FROM {}").format(
            sql.Identifier(self._settings.views_schema, "case_history")
        )
        # Plans are made once, of tables that are others after the swap.
        session = {"plan_cache_mode": "force_generic_plan"}
        async with connected(
            self._settings, name="reader", autocommit=True, session=session
        ) as connection:
            before, case = 0, None
            while True:
                async with snapshot(connection):
                    self._look(
                        await _rows(connection, "SELECT partition, next_offset FROM position")
                    )
                    [(there,)] = await _rows(connection, "SELECT count(*) FROM history")
                    [(lines,)] = await _rows(connection, "SELECT sum(events) FROM subject")
                    assert there == (lines or 0)
                [(told,)] = await _rows(connection, view)
                assert told >= before
                before = told
                if case is None:  # nothing was projected yet
                    [(case,)] = await _rows(connection, FIRST_CASE)
                else:
                    found = await present(connection, "case", [Seen(case, None)])
                    self._look([*found[Seen(case, None)].positions.items()])
                self.reads += 1

    def _look(self, rows: Sequence[tuple[Any, ...]]) -> None:
        positions: dict[int, int] = dict(rows)
        older = {one: at for one, at in self._seen.items() if positions.get(one, -1) < at}
        assert not older, f"expected no older positions than {older}, found {positions}"
        self._seen = positions


async def _rows(connection: Connection, query: Any) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query)
    return await cursor.fetchall()


async def test_readers_and_the_worker_go_on_while_read_models_are_rebuilt_and_swapped(
    ledger: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "SHARE_RECORDS", 100)  # several shares in each partition
    made = await definitions(connection)
    half, readers = len(LINES) // 2, [Reader(ledger) for _ in range(2)]
    async with projecting(ledger) as projector:
        await project(ledger, connection, LINES[:half])
        async with readers[0].reading(), readers[1].reading():
            emitting = asyncio.create_task(emit(ledger, LINES[half:]))
            found = await do(ledger)
            ends = await emitting
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
            await project(ledger, connection, LINES[:200])
        assert not projector.done()
    assert (found.swapped, found.compared, found.differences) == (True, True, [])
    assert min(reader.reads for reader in readers) > 1
    assert await schemas(connection, ledger) == {"", "_old"}
    assert await definitions(connection) == made
    await check_against_fold(connection, await read_log(ledger))


async def one_value(connection: Connection, query: str) -> Any:
    [(value,)] = await _rows(connection, query)
    return value


async def projected(settings: Settings, connection: Connection, lines: Sequence[bytes]) -> None:
    """Project events by a worker that is stopped then."""
    async with projecting(settings):
        await project(settings, connection, lines)


async def test_the_end_of_a_transaction_is_no_record_to_wait_for(
    ledger: Settings, connection: Connection
) -> None:
    await projected(ledger, connection, LINES[:50])
    await end_transactions(ledger, 1)
    async with DirectoryWriter(ledger, KeyStore(ledger.keys)) as writer:
        assert await writer.repair_markers() == []
    rebuilt = await do(ledger)
    assert (rebuilt.swapped, rebuilt.differing) == (True, 0)
    await check_against_fold(connection, await read_log(ledger))


async def test_what_somebody_changed_by_hand_is_listed_and_swapped_only_where_that_is_accepted(
    ledger: Settings, connection: Connection
) -> None:
    await projected(ledger, connection, LINES[:400])
    subject = await one_value(connection, "SELECT min(subject) FROM custody_interval")
    await connection.execute("UPDATE subject SET irregular = 99 WHERE subject = %s", [subject])
    await connection.execute("DELETE FROM custody_interval WHERE subject = %s AND n = 1", [subject])
    await connection.execute("UPDATE history SET data = '{}' WHERE subject = %s", [subject])
    await connection.execute(FORGE_A_LINE, [subject])
    told = await one_value(connection, "SELECT count(*) FROM history WHERE data = '{}'")
    log = await read_log(ledger)
    epoch = await one_value(connection, "SELECT max(epoch) FROM position")
    async with projecting(ledger) as projector:
        while await one_value(connection, "SELECT min(epoch) FROM position") <= epoch:
            await asyncio.sleep(0.05)
        refused = await do(ledger)
        assert (refused.swapped, refused.compared, refused.differing) == (False, True, told + 3)
        listed = [(one.table, one.subject, one.found_in) for one in refused.differences]
        assert listed == [
            ("subject", subject, "BOTH"),
            *[("history", subject, "BOTH")] * told,
            ("history", subject, "LIVE"),
            ("custody_interval", subject, "REBUILT"),
        ]
        assert await one_value(connection, "SELECT max(irregular) FROM subject") == 99
        accepted = await do(ledger, Wanted(processes=2, accept_differences=True))
        assert (accepted.swapped, accepted.continued) == (True, True)
        assert accepted.differing == refused.differing
        # What the worker holds in memory may be what was wrong.
        await emit(ledger, LINES[400:500])
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(FencedOut):
                await projector
    assert await one_value(connection, "SELECT count(*) FROM notice") == 0
    assert await one_value(connection, "SELECT count(*) FROM notice_cursor") == 0
    await check_against_fold(connection, log)
    assert set(await clean(ledger)) == {f"{ledger.model_schema}_old"}
    assert await schemas(connection, ledger) == {""}


async def test_a_rebuild_killed_at_ten_random_steps_harms_nothing_and_is_continued(
    ledger: Settings, connection: Connection, tmp_path: Path
) -> None:
    chance, file = random.Random(10), tmp_path / "settings.json"
    file.write_text(ledger.model_dump_json())
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fixtures.killed_rebuild", str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdin
    assert program.stdout
    reader, codes = Reader(ledger), []
    async with projecting(ledger) as projector, reader.reading():
        for kill in range(KILLS):
            await project(ledger, connection, LINES[40 * kill : 40 * (kill + 1)])
            program.stdin.write(f"{chance.choice(STEPS)}\n".encode())
            codes.append(int(await program.stdout.readline()))
            assert not projector.done(), projector.exception()
        program.stdin.write(b"-1\n")
        codes.append(int(await program.stdout.readline()))
        program.stdin.close()
        await program.wait()
        await project(ledger, connection, LINES[40 * KILLS : 41 * KILLS])
        assert not projector.done(), projector.exception()
    assert set(codes) == {0, -signal.SIGKILL}
    assert codes[-1] == 0
    assert await schemas(connection, ledger) == {"", "_old"}
    await check_against_fold(connection, await read_log(ledger))


async def test_tables_of_another_version_and_none_at_all_are_made_from_the_log(
    ledger: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await projected(ledger, connection, LINES[:200])
    with monkeypatch.context() as release:
        release.setattr(rebuilding, "model_version", lambda: "0123456789abcdef")
        for module in ("projections.install", "consumers.rebuilding.rebuild"):
            release.setattr(f"{module}.model_version", lambda: "0123456789abcdef")
        await emit(ledger, LINES[200:300])
        found = await do(ledger, Wanted(processes=1, drop_old=True))
        assert (found.swapped, found.compared, found.old) == (True, False, None)
        assert await schemas(connection, ledger) == {""}
    await check_against_fold(connection, await read_log(ledger))
    with pytest.raises(LedgerMismatch, match=r"found 0123456789abcdef .*runut rebuild"):
        await installing.install(connection, ledger)
    drop = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(ledger.model_schema))
    await connection.execute(drop)
    await do(ledger)
    assert await schemas(connection, ledger) == {""}
    await projected(ledger, connection, LINES[300:400])
    await check_against_fold(connection, await read_log(ledger))


async def test_runut_up_makes_tables_of_another_release_again_before_anybody_works_with_them(
    ledger: Settings,
    platform: Endpoints,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await projected(ledger, connection, LINES[:200])
    schema = sql.Identifier(ledger.model_schema)
    comment = "COMMENT ON SCHEMA {} IS 'version 0123456789abcdef'"
    await connection.execute(sql.SQL(comment).format(schema))
    for name, value in variables(ledger).items():
        monkeypatch.setenv(name, value)
    notes: list[str] = []
    worker = Services(ledger.data, 1, notes.append).parts(platform)[0]
    assert worker.prepare
    await worker.prepare()
    assert notes == ["The read models are another release's: making them again from the log …"]
    version = await installing.installed_version(connection, ledger.model_schema)
    assert version == installing.model_version()
    await worker.prepare()
    assert len(notes) == 1
    await check_against_fold(connection, await read_log(ledger))


async def test_one_subject_is_made_again_in_its_place_and_its_partitions_worker_fenced_out(
    ledger: Settings, connection: Connection
) -> None:
    async with projecting(ledger) as projector:
        await project(ledger, connection, LINES[:400])
        written = "SELECT min(subject) FROM letter"
        same = await rebuild_subject(ledger, await one_value(connection, written))
        assert same.changed_tables == []
        await project(ledger, connection, LINES[400:450])
        subject = await one_value(connection, written)
        await connection.execute("DELETE FROM letter WHERE subject = %s", [subject])
        await connection.execute("UPDATE history SET codes = '{}' WHERE subject = %s", [subject])
        changed = await rebuild_subject(ledger, subject)
        assert changed.changed_tables == ["history", "letter"]
        await emit(ledger, LINES[450:600])
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(FencedOut):
                await projector
    await projected(ledger, connection, LINES[600:620])
    await check_against_fold(connection, await read_log(ledger))
    with pytest.raises(NotFound, match="case/NOBODY"):
        await rebuild_subject(ledger, "case/NOBODY")


async def test_a_rebuild_waits_for_nobody_for_long_and_goes_on_when_it_is_called_again(
    ledger: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.swapping.SNAPSHOTS_S", 0.1)
    monkeypatch.setattr("consumers.rebuilding.rebuild.SWAP_ATTEMPTS", 2)
    await projected(ledger, connection, LINES[:200])
    async with alone(ledger):
        with pytest.raises(PlatformError, match="another rebuild under way"):
            await do(ledger)
    async with connected(ledger, name="auditor", autocommit=True) as auditor, snapshot(auditor):
        before = await one_value(auditor, "SELECT count(*) FROM history")
        with pytest.raises(PlatformError, match="does not end: auditor"):
            await do(ledger)
        assert await one_value(auditor, "SELECT count(*) FROM history") == before
    await projected(ledger, connection, LINES[200:300])
    found = await do(ledger)
    assert (found.swapped, found.continued, found.compared) == (True, True, True)
    await projected(ledger, connection, LINES[300:400])
    await check_against_fold(connection, await read_log(ledger))
