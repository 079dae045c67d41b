"""What `runut status` says of seals, and of what is worth a warning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from cli.seal_status import PROMISED_S, checkpoint_status, seal_line, seal_warnings
from projections.seals.figures import SealFigures
from runut.settings import Settings

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SETTINGS = Settings()
TOPIC = SETTINGS.events_topic
SEALED = SealFigures(
    is_sealing=True,
    index=41,
    root=bytes(32),
    sealed_at=NOW - timedelta(seconds=30),
    cosigned_index=40,
    unsealed=3,
    sealed={f"{TOPIC}/0": 17, f"{TOPIC}/1": 5, f"{SETTINGS.directory_topic}/0": 90},
)
NOTHING = SealFigures(True, None, None, None, None, 7, {})


def status(figures: SealFigures, ends: dict[int, int] | None = None) -> dict[str, Any]:
    return checkpoint_status(SETTINGS, figures, ends, NOW)


def test_the_last_checkpoint_is_shown_with_its_age() -> None:
    found = status(SEALED)
    assert (found["index"], found["size"], found["age_s"]) == (41, 42, 30.0)
    assert (found["sealed_at"], found["cosigned_index"]) == ("2026-01-04T23:59:30Z", 40)
    assert "the last is 41" in seal_line(found).plain
    assert "cosigned up to 40" in seal_line(found).plain


def test_records_that_kafka_has_and_nobody_read_wait_for_a_seal_too() -> None:
    assert status(SEALED)["unsealed"] == 3
    assert status(SEALED, {0: 20, 1: 5, 2: 4})["unsealed"] == 7


def test_before_the_first_seal_there_is_none() -> None:
    found = status(NOTHING)
    assert (found["index"], found["size"], found["age_s"], found["unsealed"]) == (
        *(None, None, None),
        7,
    )
    assert "none yet" in seal_line(found).plain
    assert list(seal_warnings(found)) == []


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (SEALED, []),
        (replace(SEALED, is_sealing=False), ["nobody seals"]),
        (
            replace(SEALED, sealed_at=NOW - timedelta(seconds=PROMISED_S + 1)),
            ["3 records wait for a seal; the last one was made 601 s ago"],
        ),
        (replace(SEALED, sealed_at=NOW - timedelta(days=1), unsealed=0), []),
    ],
)
def test_what_is_worth_a_warning(figures: SealFigures, words: list[str]) -> None:
    found = list(seal_warnings(status(figures)))
    assert [one[: len(word)] for one, word in zip(found, words, strict=True)] == words
