"""When a seal is due, and which checkpoint of a witness is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consumers.sealer import HEARTBEAT_S, Interval, witnessed
from runut.errors import BadFile
from runut.notes import Checkpoint, Note, NoteSigner
from runut.seals import Seal, empty_head

SIGNER = NoteSigner("runut/seals", Ed25519PrivateKey.generate())


def seal_of_age(age: timedelta) -> Seal:
    at_ms = round((datetime.now(UTC) - age).timestamp() * 1000)
    return Seal(bytes(16), 0, at_ms, (empty_head("runut.events", 0),))


def test_the_first_seal_is_due_with_the_first_record() -> None:
    interval = Interval(60)
    interval.go_on(None)
    assert not interval.is_over(is_waited_for=False)
    assert interval.is_over(is_waited_for=True)


@pytest.mark.parametrize(
    ("age", "waited_for", "quiet"),
    [
        (timedelta(seconds=30), False, False),
        (timedelta(seconds=61), True, False),
        (timedelta(seconds=HEARTBEAT_S - 60), True, False),
        (timedelta(seconds=HEARTBEAT_S + 1), True, True),
        (timedelta(days=-1), False, False),  # by a clock that was ahead
    ],
)
def test_a_seal_is_due_soon_where_a_record_waits_and_hourly_where_none_does(
    age: timedelta, waited_for: bool, quiet: bool
) -> None:
    interval = Interval(60)
    interval.go_on(seal_of_age(age))
    assert interval.is_over(is_waited_for=True) is waited_for
    assert interval.is_over(is_waited_for=False) is quiet


def test_a_clock_that_was_ahead_delays_the_next_seal_by_one_interval_alone() -> None:
    interval = Interval(1e-9)
    interval.go_on(seal_of_age(timedelta(days=-1)))
    assert interval.is_over(is_waited_for=True)


def test_a_witness_s_checkpoint_is_read_if_the_ledger_s_key_signed_it(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    checkpoint = Checkpoint("runut/seals", 3, bytes(32))
    file.write_bytes(Note(checkpoint.text(), (SIGNER.sign(checkpoint.text()),)).to_bytes())
    assert witnessed(file, SIGNER.key) == checkpoint
    stranger = NoteSigner("runut/seals", Ed25519PrivateKey.generate())
    with pytest.raises(BadFile, match="signed by runut/seals"):
        witnessed(file, stranger.key)


@pytest.mark.parametrize("content", [None, b"", b"runut/seals\n3\n"])
def test_a_file_that_holds_no_checkpoint_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "checkpoint"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadFile, match=str(file)):
        witnessed(file, SIGNER.key)
