"""The clock of a partition: the broker's times move it, an emitter's never."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runut.errors import NotAnEvent
from runut.log_reader import PartitionReader
from runut.records import CREATE_TIME, LOG_APPEND_TIME, RawRecord
from tests.builders import directory_log

STAMPED = datetime(2025, 5, 8, tzinfo=UTC)
STAMPED_MS = int(STAMPED.timestamp() * 1000)
FAR_MS = STAMPED_MS + 10**12


@pytest.fixture
def reader() -> PartitionReader:
    return PartitionReader(0, directory_log())


def stamped(ms: int, kind: int = LOG_APPEND_TIME) -> RawRecord:
    return RawRecord("runut.events", 0, 7, ms, kind, b"case/X", b"no event", ())


def refuse(reader: PartitionReader, record: RawRecord) -> str:
    with pytest.raises(NotAnEvent) as refused:
        reader.read(record)
    return str(refused.value)


def test_the_brokers_time_never_runs_backwards(reader: PartitionReader) -> None:
    for ms in (STAMPED_MS, STAMPED_MS - 5):
        refuse(reader, stamped(ms))
        assert reader.now == reader.recorded_at == STAMPED


@pytest.mark.parametrize("ms", [FAR_MS, 1 << 62, -(10**15)])
def test_a_time_that_is_not_the_brokers_moves_nothing(reader: PartitionReader, ms: int) -> None:
    assert "timestamp type" in refuse(reader, stamped(ms, CREATE_TIME))
    reader.pass_by(stamped(ms, CREATE_TIME))
    assert reader.recorded_at is None
    refuse(reader, stamped(STAMPED_MS))
    refuse(reader, stamped(ms, CREATE_TIME))
    assert reader.now == STAMPED


def test_a_time_beyond_all_years_is_refused_by_name(reader: PartitionReader) -> None:
    assert "timestamp" in refuse(reader, stamped(1 << 62))
    assert reader.recorded_at is None


def test_before_any_time_it_is_1970(reader: PartitionReader) -> None:
    assert reader.now == datetime(1970, 1, 1, tzinfo=UTC)
