"""A stretch is read by the directory that its position stands behind, whoever read that far."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from consumers.recognizing import read_stretch
from projections.store import Position
from runut.directory_log import DirectoryLog
from runut.errors import LedgerMismatch
from runut.signing import VerifiedBatches
from tests.builders import SCENARIOS, read_directory
from tests.sealed import STORY, Sealed

REPORT = (SCENARIOS / f"{STORY}.jsonl").read_text().splitlines()[0]


async def read_by(log: DirectoryLog, ledger: Sealed) -> Any:
    """What the last record of a case is to a worker that takes its partition over."""
    ledger.announce()
    record = ledger.emit(REPORT)
    before = Position(
        *(record.partition, 2, record.offset, None),
        *(datetime(2025, 1, 1, tzinfo=UTC), len(ledger.directory) - 1),
    )

    async def read_on() -> None:
        for one in ledger.directory[log.size :]:
            log.append(one)

    follower: Any = SimpleNamespace(log=log)
    [found] = (await read_stretch(before, [record], follower, read_on, VerifiedBatches())).recorded
    return found


@pytest.mark.parametrize("known", [1, 20, None], ids=["founding", "some", "all"])
async def test_whoever_takes_a_partition_over_reads_the_directory_on_first(
    known: int | None,
) -> None:
    ledger = Sealed()
    found = await read_by(read_directory(ledger.directory[:known]), ledger)
    assert (found.signature, found.directory_offset) == ("VALID", len(ledger.directory) - 1)


def test_there_is_no_view_of_a_directory_that_was_not_read_so_far() -> None:
    ledger = Sealed()
    log = read_directory(ledger.directory[:-1])
    with pytest.raises(LedgerMismatch, match="expected to be read up to offset"):
        log.at(log.size)
    log.append(ledger.directory[-1])
    assert log.at(log.size - 1).codes == ledger.log().latest.codes
