"""The store against real PostgreSQL: what it loads is enough, and what it writes is the fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain, pairwise
from uuid import UUID

import msgspec
import psycopg
import pytest
from msgspec import structs
from msgspec.structs import astuple

from consumers import model_writer
from consumers.gathering import Batch
from consumers.model_writer import ModelWriter
from projections.batch import Changes, fold_batch
from projections.folds.fold import CORRECTION
from projections.folds.rows import TABLES, Row
from projections.folds.subject import fold_subject
from projections.loaded import Subjects
from projections.row_tables import from_values, select, state_from, table_name
from projections.store import Position, Quarantined, Store
from projections.writing import BLOCK, COPY_FROM, MERGED_FROM, Target, Writer
from runut.adapters.postgres import Connection
from runut.errors import FencedOut
from runut.event import Recorded
from runut.native import IS_USED
from runut.records import RawRecord
from runut.settings import Settings
from tests.builders import RECORDED_AT, directory_from, moves_past, project, recorded
from tests.histories import SUBJECT, Author

HISTORIES = 60
LENGTH = 50


async def rows_in(connection: Connection, subject: str) -> dict[object, Row]:
    found: dict[object, Row] = {}
    for table in TABLES:
        asked = {"subjects": [subject]}
        cursor = await connection.execute(select(table, "by_subject"), asked)
        for values in await cursor.fetchall():
            row = from_values(table, values)
            found[table, row.ident] = row
    return found


async def history_in(connection: Connection, subject: str) -> list[tuple[str, list[str], bool]]:
    cursor = await connection.execute(
        "SELECT verdict, codes, differs FROM history WHERE subject = %s ORDER BY seq", (subject,)
    )
    return await cursor.fetchall()


def renamed(records: list[Recorded], subject: str) -> list[Recorded]:
    """The same history on a subject of its own."""
    return [
        recorded(
            msgspec.structs.replace(one.event, meta={**one.event.meta, "subject": subject}),
            one.offset,
        )
        for one in records
    ]


def histories() -> dict[str, list[Recorded]]:
    """Random histories by subject."""
    names = {seed: f"{SUBJECT}-{seed}" for seed in range(HISTORIES)}
    return {name: renamed(Author(seed).write(LENGTH), name) for seed, name in names.items()}


def interleaved(given: Mapping[str, Sequence[Recorded]]) -> list[Recorded]:
    """All of them in one partition, so that every batch meets subjects that earlier ones wrote."""
    records = sorted(chain.from_iterable(given.values()), key=lambda one: one.offset)
    return [msgspec.structs.replace(one, offset=at) for at, one in enumerate(records)]


async def assert_folded(connection: Connection, given: Mapping[str, Sequence[Recorded]]) -> None:
    """What is written is what folding in memory gives."""
    for subject, records in given.items():
        folded = fold_subject(records, directory_from())
        cursor = await connection.execute(
            "SELECT state, events, irregular, duplicate, corrected FROM subject WHERE subject = %s",
            (subject,),
        )
        row = await cursor.fetchone()
        assert row is not None
        assert state_from(subject, row[0]) == folded.state
        assert dict(zip(folded.counts(), row[1:], strict=True)) == folded.counts()
        assert await rows_in(connection, subject) == dict(folded.past.rows)
        assert await history_in(connection, subject) == [
            (one.folded.verdict, list(one.folded.codes), one.folded.differs)
            for one in folded.entries
        ]


@pytest.mark.parametrize("batch", [1, 7])
async def test_batches_that_load_what_they_need_write_what_folding_in_memory_gives(
    connection: Connection, batch: int
) -> None:
    given = histories()
    await project(connection, interleaved(given), batch=batch * HISTORIES // 3)
    await assert_folded(connection, given)


@pytest.mark.parametrize("batch", [1, 10])
async def test_an_id_used_again_for_another_type_differs_though_it_says_the_same(
    connection: Connection, batch: int
) -> None:
    first = {
        "type": "LetterReceived",
        "subject": SUBJECT,
        "agency": "kp2mi",
        "event_id": str(UUID(int=7, version=4)),
        "occurred_at": "2025-06-11T14:00:00+07:00",
        "data": {"letter_id": "7"},
    }
    other = {**first, "type": "TransferAccepted", "data": {"transfer_id": "7"}}
    given = [recorded(one, offset) for offset, one in enumerate([first, other, first])]
    assert given[0].body == given[1].body
    await project(connection, given, batch=batch)
    assert [
        (verdict, differs) for verdict, _, differs in await history_in(connection, SUBJECT)
    ] == [
        ("IRREGULAR", False),
        ("DUPLICATE", True),
        ("DUPLICATE", False),
    ]
    await assert_folded(connection, {SUBJECT: given})


@pytest.mark.parametrize(("poll", "polls"), [(140, 1), (600, 1), (35, 4), (200, 3), (1, 150)])
@pytest.mark.parametrize("memory", [1_000_000, 100])
async def test_polls_gathered_while_what_came_before_is_written_give_the_same(
    poll: int,
    polls: int,
    memory: int,
    connection: Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_writer, "Subjects", partial(Subjects, memory))
    given, writer = histories(), ModelWriter(settings, directory_from())
    records = interleaved(given)
    await writer.open()
    await writer.claim([records[0].partition])
    for number, at in enumerate(range(0, len(records), poll), 1):
        await writer.gather(_poll(writer, records[at : at + poll]))
        if number % polls == 0:
            await writer.write()
    await writer.release([records[0].partition])
    await writer.close()
    await assert_folded(connection, given)


async def test_what_was_gathered_and_not_written_is_void_where_partitions_are_claimed_again(
    connection: Connection, settings: Settings
) -> None:
    given, writer = histories(), ModelWriter(settings, directory_from())
    records = interleaved(given)
    half, partition = len(records) // 2, records[0].partition
    await writer.open()
    await writer.claim([partition])
    await writer.gather(_poll(writer, records[:half]))
    await writer.write()
    await writer.gather(_poll(writer, records[half : half + 100]))
    await writer.start_over(ConnectionError("as after a loss of the database"))
    left = writer.positions[partition].next_offset
    assert left in {0, half}
    await writer.gather(_poll(writer, records[left:]))
    await writer.release([partition])
    await writer.close()
    await assert_folded(connection, given)


def _poll(writer: ModelWriter, records: Sequence[Recorded]) -> Batch:
    batch = Batch()
    batch.recorded = list(records)
    batch.moves = moves_past(writer.positions, batch.recorded)
    return batch


async def test_a_claim_fences_out_whoever_owned_the_partition_before(
    connection: Connection,
) -> None:
    store = Store(connection)
    old = (await store.claim([3]))[3]
    new = (await store.claim([3]))[3]
    assert new.epoch == old.epoch + 1
    with pytest.raises(FencedOut):
        await store.commit([(old, _moved(old, 1))], Changes(), [])
    await store.commit([(new, _moved(new, 1))], Changes(), [])
    assert (await store.claim([3]))[3].next_offset == 1


async def test_a_batch_that_fails_writes_nothing_and_moves_no_position(
    connection: Connection,
) -> None:
    store = Store(connection)
    position = (await store.claim([0]))[0]
    raw = RawRecord("runut.events", 0, 0, 0, 1, b"key", b"value", ())
    twice = [Quarantined(raw, RECORDED_AT, "no frame"), Quarantined(raw, RECORDED_AT, "again")]
    with pytest.raises(psycopg.errors.UniqueViolation):
        await store.commit([(position, _moved(position, 1))], Changes(), twice)
    assert (await store.claim([0]))[0].next_offset == 0
    cursor = await connection.execute("SELECT count(*) FROM quarantine")
    assert await cursor.fetchone() == (0,)


async def test_a_batch_is_written_as_it_was_folded_though_folding_goes_on_before_it_is_written(
    connection: Connection,
) -> None:
    directories, subjects, store = directory_from(), Subjects(), Store(connection)
    records = [one for one in Author(3).write(LENGTH) if one.event.type != CORRECTION]
    first, second = records[: LENGTH // 2], records[LENGTH // 2 :]
    position = (await store.claim([0]))[0]
    await store.load(first, subjects, directories)
    changes = fold_batch(first, subjects, {}, directories)
    write = store.commit([(position, _moved(position, 1))], changes, [])
    await store.load(second, subjects, directories)
    fold_batch(second, subjects, {}, directories)
    await write
    cursor = await connection.execute("SELECT state, events FROM subject")
    row = await cursor.fetchone()
    assert row is not None
    folded = fold_subject(first, directories)
    assert (state_from(SUBJECT, row[0]), row[1]) == (folded.state, len(first))
    assert folded.state != fold_subject(records, directories).state


async def test_quarantine_keeps_place_reason_leaf_and_the_first_kib(connection: Connection) -> None:
    store = Store(connection)
    position = (await store.claim([0]))[0]
    raw = RawRecord("runut.events", 0, 0, 1_700_000_000_000, 1, b"k" * 3000, None, ())
    await store.commit(
        [(position, _moved(position, 1))], Changes(), [Quarantined(raw, RECORDED_AT, "no value")]
    )
    cursor = await connection.execute(
        'SELECT "offset", reason, leaf_hash, key, value FROM quarantine ORDER BY 1'
    )
    assert await cursor.fetchone() == (0, "no value", raw.leaf(), b"k" * 1024, None)


async def test_columns_stand_in_the_order_of_the_fields(connection: Connection) -> None:
    for table in TABLES:
        cursor = await connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "ORDER BY attnum",
            (table_name(table),),
        )
        columns = [name for (name,) in await cursor.fetchall()]
        assert columns == list(table.__struct_fields__)


def _moved(position: Position, next_offset: int) -> Position:
    return msgspec.structs.replace(
        position, next_offset=next_offset, leaf_hash=b"l" * 32, recorded_at=RECORDED_AT
    )


@pytest.mark.parametrize(
    ("key", "count", "is_compiled"),
    [
        (("id",), 1, True),
        (("id",), MERGED_FROM - 1, True),
        (("id",), MERGED_FROM, True),
        (("id",), MERGED_FROM, False),
        ((), 1, True),
        ((), COPY_FROM, True),
        ((), COPY_FROM, False),
    ],
)
async def test_values_arrive_as_they_are_by_json_and_by_copy(
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    key: tuple[str, ...],
    count: int,
    is_compiled: bool,
) -> None:
    if not is_compiled:
        monkeypatch.setattr("projections.writing.IS_USED", False)
    await make_table(connection)
    target = Target("thing", tuple(Thing.__struct_fields__), key)
    rows = [thing(n) for n in range(1, count + 1)]
    async with connection.transaction():
        await Writer(connection).write([(target, [astuple(row) for row in rows])])
    assert await things(connection) == rows
    if key:
        changed = structs.replace(rows[0], texts=(), blob=None, document=None, amount=None)
        async with connection.transaction():
            await Writer(connection).write([(target, [changed])])
        assert await things(connection) == [changed, *rows[1:]]
        writer = Writer(connection)
        for text in ("once", "twice"):
            rows = [structs.replace(row, texts=(text,), blob=None, document=None) for row in rows]
            async with connection.transaction():
                await writer.write([(target, rows)])
            assert await things(connection) == rows


@pytest.mark.parametrize("is_compiled", [True, False])
async def test_rows_made_ready_as_they_come_arrive_once_and_in_order(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, is_compiled: bool
) -> None:
    if not is_compiled:
        monkeypatch.setattr("projections.writing.IS_USED", False)
    await make_table(connection)
    target, given = Target("thing", Thing.__struct_fields__), list(map(thing, range(3 * BLOCK + 5)))
    ready = await Writer(connection).copy_rows(target)
    for begin, end in pairwise([0, 0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 1, len(given)]):
        ready.add([astuple(one) for one in given[begin:end]])
    assert len(ready.blocks) == (3 if is_compiled and IS_USED else 0)
    await Writer(connection).write([(target, ready)])
    assert await things(connection) == given


async def make_table(connection: Connection) -> None:
    await connection.execute(
        """CREATE TEMP TABLE thing (
            id integer PRIMARY KEY, texts text[], times timestamptz[], blob bytea, many bytea[],
            document jsonb, amount numeric(18, 2), day date, yes boolean
        )"""
    )


class Thing(msgspec.Struct, frozen=True):
    id: int
    texts: tuple[str, ...]
    times: tuple[datetime, ...]
    blob: bytes | None
    many: list[bytes | None]
    document: str | None
    amount: Decimal | None
    day: date
    yes: bool


def thing(n: int) -> Thing:
    times = (RECORDED_AT, RECORDED_AT + timedelta(days=1, microseconds=n))
    return Thing(
        id=n,
        texts=("kp2mi", 'é"{,\\') * (n % 2),
        times=times * (n % 2),
        blob=bytes(range(256)),
        many=[b"", None, b"\x00\xff"],
        document='{"a": ["\\u00e9\\"", null, 1.5]}',
        amount=Decimal("1234567890123.45"),
        day=date(2026, 1, n % 28 + 1),
        yes=n % 2 == 0,
    )


async def things(connection: Connection) -> list[Thing]:
    cursor = await connection.execute("SELECT * FROM thing ORDER BY id")
    found = []
    for row in await cursor.fetchall():
        given = dict(zip(Thing.__struct_fields__, row, strict=True))
        document = given["document"]
        if document is not None:
            assert document == {"a": ['é"', None, 1.5]}
            given["document"] = thing(1).document
        found.append(msgspec.convert(given, Thing))
    return found
