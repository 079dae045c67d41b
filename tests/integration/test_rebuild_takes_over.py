"""What a rebuild takes from others: hints of live read models, and what the sealer verified."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from consumers.rebuilding.rebuild import Wanted, clean
from projections.seals.checked import SealedBatches
from runut import ed25519
from runut.adapters import kafka
from runut.adapters.postgres import Connection, connected
from runut.directory_follower import DirectoryFollower
from runut.directory_log import DirectoryLog
from runut.event import Recorded
from runut.log_reader import MARKER_PREFIX, PartitionReader
from runut.records import RawRecord
from runut.settings import Settings
from runut.signing import SIGNATURE_HEADER
from runut.tiles import TILE_WIDTH
from tests.fold_check import check_against_fold
from tests.integration.logs import read_log
from tests.integration.sealing_stage import SealedLedger, seal_all
from tests.integration.test_rebuild import LINES, do, projected

PARTITION = 1
FORGE = (
    "UPDATE leaf_run SET signature_checks = overlay(signature_checks PLACING int2send(("
    "       SELECT signature_check FROM signature_check JOIN leaf USING (public_key)"
    "        WHERE is_valid AND topic = %(topic)s AND partition = %(partition)s"
    '          AND "offset" = %(offset)s)::smallint) FROM 2 * (%(offset)s - first)::integer + 1)'
    "  FROM tree"
    " WHERE tree.tree = leaf_run.tree AND topic = %(topic)s AND partition = %(partition)s"
    "   AND first <= %(offset)s AND %(offset)s < first + size"
)


def is_marker(record: RawRecord) -> bool:
    return (record.key or b"").startswith(MARKER_PREFIX)


def is_signed_event(record: RawRecord) -> bool:
    return SIGNATURE_HEADER in dict(record.headers) and not is_marker(record)


async def test_a_signature_is_known_where_the_record_has_the_hash_of_its_leaf(
    sealed: SealedLedger,
) -> None:
    settings = sealed.settings
    records = sealed.log[settings.events_topic, PARTITION]
    signed = [one for one in records if is_signed_event(one)]
    async with connected(settings, name="tests", autocommit=True) as connection:
        batches = SealedBatches(connection)
        await batches.read(0, records[-1].offset)
        assert not any(map(batches.signed_by, records))
        await batches.find(settings, PARTITION)
        await batches.read(0, records[-1].offset)
        assert [one for one in records if batches.signed_by(one)] == signed
        one = signed[-1]
        for other in (
            replace(one, value=(one.value or b"") + b"\0"),
            replace(one, headers=one.headers[:-1]),
            replace(one, timestamp_ms=one.timestamp_ms + 1),
            replace(one, offset=signed[0].offset),
            replace(one, offset=records[-1].offset + TILE_WIDTH),
        ):
            assert batches.signed_by(other) is None


async def test_what_the_sealer_verified_is_read_the_same_and_not_verified_again(
    sealed: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, asked = sealed.settings, set[bytes]()
    verify = ed25519.verify

    def counted(public_key: bytes, signature: bytes, message: bytes) -> bool:
        asked.add(signature)
        return verify(public_key, signature, message)

    monkeypatch.setattr(ed25519, "verify", counted)
    records = sealed.log[settings.events_topic, PARTITION]
    async with (
        connected(settings, name="tests", autocommit=True) as connection,
        DirectoryFollower(settings) as follower,
    ):
        batches = SealedBatches(connection)
        await batches.find(settings, PARTITION)
        await batches.read(0, records[-1].offset)
    anew = read(records, follower.log, SealedBatches(connection))
    of_markers = {dict(o.headers)[SIGNATURE_HEADER][-64:] for o in records if is_marker(o)}
    assert asked > of_markers
    asked.clear()
    assert read(records, follower.log, batches) == anew
    assert asked == of_markers
    assert not batches.is_signed(bytes(32), 1, bytes(64), bytes(32))  # by another key


def read(
    records: Sequence[RawRecord], directories: DirectoryLog, batches: SealedBatches
) -> list[Recorded | None]:
    reader, found = PartitionReader(PARTITION, directories, verified=batches), []
    for record in records:
        batches.record = record
        found.append(reader.read(record))
    return found


async def send_with_anothers_signature(settings: Settings) -> RawRecord:
    """Write an event of the log once more, with the headers that sign another of its agency."""
    events = [one for one in (await read_log(settings)).records if is_signed_event(one)]
    by_key = {dict(one.headers)["runut-key-id"]: one for one in events}
    one = next(o for o in events if by_key[dict(o.headers)["runut-key-id"]].value != o.value)
    other = by_key[dict(one.headers)["runut-key-id"]]
    headers = [
        (name, dict(other.headers)[name] if "runut-" in name else value)
        for name, value in one.headers
    ]
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        place = await producer.send_and_wait(
            one.topic, one.value, key=one.key, partition=one.partition, headers=headers
        )
    return replace(one, offset=place.offset)


async def test_a_rebuild_makes_the_same_whatever_live_tables_hide_and_lists_what_was_forged(
    ledger: Settings, connection: Connection
) -> None:
    await projected(ledger, connection, LINES[:600])
    invalid = await send_with_anothers_signature(ledger)
    await projected(ledger, connection, LINES[600:640])
    await seal_all(ledger)

    # A correction that the live history does not name is found while loading.
    hide = "UPDATE history SET type = 'Hidden' WHERE type = 'EventCorrected'"
    hidden = (await connection.execute(hide)).rowcount
    assert hidden > 0
    refused = await do(ledger)
    assert {(one.table, one.found_in) for one in refused.differences} == {("history", "BOTH")}
    assert refused.differing == hidden
    await connection.execute("UPDATE history SET type = 'EventCorrected' WHERE type = 'Hidden'")
    await clean(ledger)

    # A leaf that lies about a signature makes a row that the live history contradicts.
    place = {"topic": invalid.topic, "partition": invalid.partition, "offset": invalid.offset}
    await connection.execute("GRANT UPDATE ON leaf_run TO CURRENT_USER")
    assert (await connection.execute(FORGE, place)).rowcount == 1
    refused = await do(ledger)
    subject = (invalid.key or b"").decode()
    assert not refused.swapped
    assert {one.subject for one in refused.differences} == {subject}
    assert "history" in {one.table for one in refused.differences}

    # Verified anew, and not with what was loaded before.
    verified = await do(ledger, Wanted(processes=1, verify_signatures=True))
    assert (verified.swapped, verified.continued, verified.differing) == (True, False, 0)
    cursor = await connection.execute(
        'SELECT signature FROM history WHERE partition = %(partition)s AND "offset" = %(offset)s',
        place,
    )
    assert await cursor.fetchall() == [("INVALID",)]
    await check_against_fold(connection, await read_log(ledger))
