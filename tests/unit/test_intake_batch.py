"""A batch of lines: results in order, bounded memory, and an end when the log takes no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.files import jsonl
from producers.intake import batch
from producers.intake.batch import Accepted, Batch
from runut import receipts
from runut.errors import BadInput, NotRecorded, TooSlow, Unreachable
from runut.event import AgencyCode, EventId, Subject
from runut.keystore import SigningKey
from runut.lanes import Receipt
from runut.problems import Problem, problem_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGNING_KEY = SigningKey("runut-1", "runut", NOW, KEY.public_key().public_bytes_raw(), KEY)


def receipt(offset: int) -> Receipt:
    event_id = EventId(f"0197f1c2-0000-7000-8000-{offset:012}")
    return Receipt(event_id, Subject("case/A"), "runut.events", 0, offset, NOW, bytes(32))


def sign(stored: Any) -> list[receipts.SignedReceipt]:
    said = [
        receipts.statement(
            ledger_id=bytes(16),
            event_id=one.event_id,
            agency=agency,
            subject=one.subject,
            topic=one.topic,
            partition=one.partition,
            offset=one.offset,
            recorded_at=one.recorded_at,
            event_digest=one.event_digest,
        )
        for agency, one in stored
    ]
    return receipts.sign(said, SIGNING_KEY)


class Line:
    """What becomes of the lines: each is a number, which is its offset; a few are special."""

    def __init__(self) -> None:
        self.accepted: list[asyncio.Future[Receipt]] = []

    async def accept(self, lines: Sequence[jsonl.Line]) -> list[Accepted | Problem]:
        return [self.outcome(line.text) for line in lines]

    def outcome(self, text: bytes) -> Accepted | Problem:
        if text == b"bad":
            return problem_of(BadInput("line", "a number", text.decode()))
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.accepted.append(future)
        if text == b"refused":
            future.set_exception(NotRecorded("runut.events", 0, "it is full"))
        elif text not in {b"never", b"later"}:
            future.set_result(receipt(int(text)))
        return Accepted(AgencyCode("kp2mi"), future, text != b"0")


class Caller:
    """Sends lines in chunks, and keeps what comes back."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.came = b""

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        return self.chunks.pop(0) if self.chunks else b""

    async def write(self, content: bytes) -> None:
        await asyncio.sleep(0)
        self.came += content

    @property
    def results(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.came.splitlines()]

    @property
    def statuses(self) -> list[tuple[int, int]]:
        return [(one["line"], one["status"]) for one in self.results]


async def run(caller: Caller, line: Line | None = None, wait_s: float = 5.0) -> None:
    await Batch((line or Line()).accept, sign, wait_s=wait_s).run(caller.read, caller.write)


async def test_results_come_in_the_order_of_the_lines_with_their_numbers() -> None:
    caller = Caller(b"1\nbad\n\n2\n", b"3", b"\n0\n7")
    await run(caller)
    assert caller.statuses == [(1, 201), (2, 422), (4, 201), (5, 201), (6, 200), (7, 201)]
    offsets = [one["receipt"]["offset"] for one in caller.results if one["status"] < 300]
    assert offsets == [1, 2, 3, 0, 7]
    for one in caller.results:
        if one["status"] < 300:
            signed = receipts.receipt_of(orjson.dumps(one["receipt"]))
            receipts.check(signed, SIGNING_KEY.public_key)
        else:
            assert one["problem"]["field"] == "line"


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 5_000])
async def test_any_number_of_lines_has_as_many_results(count: int) -> None:
    text = b"".join(b"%d\n" % n for n in range(1, count + 1))
    caller = Caller(*(text[at : at + 1000] for at in range(0, len(text), 1000)))
    await run(caller)
    assert caller.statuses == [(n, 201) for n in range(1, count + 1)]


async def test_a_result_is_sent_as_soon_as_it_is_there() -> None:
    lines, caller = Line(), Caller(b"1\nlater\n2\n")
    running = asyncio.create_task(run(caller, lines))
    await until(lambda: caller.statuses == [(1, 201)])
    assert not running.done()
    lines.accepted[1].set_result(receipt(9))
    await running
    assert caller.statuses == [(1, 201), (2, 201), (3, 201)]


async def test_no_more_lines_wait_for_the_log_than_the_window_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "WINDOW", 10)
    lines, chunks = Line(), [b"later\n" * 5] * 20
    caller = Caller(*chunks)
    running = asyncio.create_task(run(caller, lines))
    await until(lambda: len(lines.accepted) >= 11)
    for _ in range(50):
        await asyncio.sleep(0)
    # What was taken to be answered, what the channel holds, and the chunk that waits to get in.
    assert len(lines.accepted) <= 2 * 10 + 5
    answered = 0
    while not running.done():
        for future in lines.accepted[answered:]:
            future.set_result(receipt(answered))
            answered += 1
        await asyncio.sleep(0)
    assert caller.statuses == [(n, 201) for n in range(1, 101)]


async def test_who_does_not_read_results_is_not_read_from_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "BACKLOG", 10_000)
    monkeypatch.setattr(batch, "WINDOW", 10)
    reads = asyncio.Event()
    caller = Caller(*[b"5\n" * 10] * 200)

    async def write(content: bytes) -> None:
        await reads.wait()
        await Caller.write(caller, content)

    task = asyncio.create_task(Batch(Line().accept, sign, wait_s=5).run(caller.read, write))
    for _ in range(3_000):
        await asyncio.sleep(0)
    assert len(caller.chunks) > 100  # far from all
    reads.set()
    await task
    assert len(caller.results) == 2_000


async def test_an_outage_ends_the_batch_and_says_of_each_line_whether_it_is_recorded() -> None:
    lines = Line()
    caller = Caller(b"1\nrefused\n3\nnever\n5\n", *[b"6\n"] * 10_000)
    await run(caller, lines)
    assert caller.statuses[:5] == [(1, 201), (2, 503), (3, 201), (4, 503), (5, 201)]
    assert caller.results[1]["problem"]["retry_after_s"] > 0
    assert len(caller.chunks) > 1_000  # the rest was not read


async def test_a_line_that_waits_too_long_is_an_outage() -> None:
    caller = Caller(b"1\nnever\n3\n")
    await run(caller, wait_s=0.01)
    assert caller.statuses == [(1, 201), (2, 503), (3, 201)]


async def test_a_stream_that_breaks_off_says_so_behind_the_results() -> None:
    class Stalling(Caller):
        async def read(self) -> bytes:
            if not self.chunks:
                raise TooSlow("body", 60)
            return await super().read()

    caller = Stalling(b"1\n2\n")
    await run(caller)
    assert caller.statuses == [(1, 201), (2, 201), (3, 408)]


async def test_who_goes_away_ends_the_batch() -> None:
    class Gone(Caller):
        async def read(self) -> bytes:
            if not self.chunks:
                raise ConnectionResetError
            return await super().read()

    lines, caller = Line(), Gone(b"1\nnever\n")
    with pytest.raises(ExceptionGroup) as caught:
        await run(caller, lines)
    assert caught.group_contains(ConnectionResetError)
    assert len(lines.accepted) == 2  # what was sent is on its way all the same


async def test_what_cannot_even_be_accepted_for_want_of_a_broker_is_an_outage() -> None:
    class Away(Line):
        def outcome(self, text: bytes) -> Accepted | Problem:
            if text == b"away":
                return problem_of(Unreachable("Kafka", "nowhere", "start it"))
            return super().outcome(text)

    caller = Caller(b"1\naway\n", *[b"2\n"] * 10_000)
    await run(caller, Away())
    assert caller.statuses[:2] == [(1, 201), (2, 503)]
    assert len(caller.chunks) > 1_000


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)
