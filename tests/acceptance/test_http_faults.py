"""Kafka goes away under HTTP load: callers are told when to come back, and lose nothing by it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from projections.folds.subject import fold_subject
from projections.install import install
from runut.adapters.postgres import connected
from runut.event_ids import new_event_id
from runut.examples import examples
from runut.keystore import KeyStore
from runut.receipts import SignedReceipt, check, receipt_of
from runut.settings import Settings
from tests.acceptance.test_crashes import ledger_in
from tests.intake_calls import AS_KP2MI, make_app, opened, served
from tests.integration.logs import read_log

pytestmark = pytest.mark.timeout(600)

CALLERS = 40
BEFORE = 200
"""Events that are in the log when Kafka goes away."""
AFTER = 400
"""Events that are recorded after it came back."""
WAIT_S = 3.0
"""How long the gateway has its callers wait; it tries an event itself for twice as long."""
TIMES_TURNED_AWAY = 4 * CALLERS
"""So often are callers sent away before Kafka comes back: each waited several times."""
AWAY_S = 30.0
"""And so long is it away at least."""
DEADLINE_S = 180.0


@pytest.fixture
async def own_kafka(platform: Endpoints, tmp_path: Path) -> AsyncIterator[tuple[Platform, str]]:
    """A Kafka of this test's own, started again whenever it ends; and where it answers."""
    external = Settings(
        data=tmp_path / "platform",
        registry_url=platform.registry_url,
        postgres_url=platform.postgres_url,
    )
    async with Platform(external, port=0, restarts=3, show=Show(quiet=True)) as running:
        yield running, (await running.start()).kafka_bootstrap


class Load:
    """Callers who send one event after the other, each again and again until it is taken."""

    def __init__(self, port: int) -> None:
        self.taken: dict[str, SignedReceipt] = {}
        self.turned_away = 0
        self._url = f"http://127.0.0.1:{port}/api/v1/events"
        self._is_over = False

    async def run(self, callers: int) -> None:
        """Until `end` is called."""
        async with httpx.AsyncClient(headers=AS_KP2MI, timeout=60, trust_env=False) as client:
            await asyncio.gather(*(self._call(client) for _ in range(callers)))

    def end(self) -> None:
        """Let each caller bring its last event home."""
        self._is_over = True

    async def _call(self, client: httpx.AsyncClient) -> None:
        while not self._is_over:
            event_id = new_event_id()
            event = {**examples()["CaseReported"], "agency": "kp2mi", "event_id": event_id}
            event["subject"] = f"case/{event_id}"
            while event_id not in self.taken:
                answer = await client.post(self._url, json=event)
                if answer.status_code in {200, 201}:
                    self.taken[event_id] = receipt_of(answer.content)
                    continue
                assert answer.status_code == 503, answer.text
                assert answer.json()["event_id"] == event_id
                self.turned_away += 1
                # As long as we are told, in a tenth of the time.
                await asyncio.sleep(int(answer.headers["retry-after"]) / 10)


async def test_nothing_acknowledged_is_lost_and_nothing_doubled_while_kafka_is_away(
    platform: Endpoints, own_kafka: tuple[Platform, str], tmp_path: Path
) -> None:
    running, address = own_kafka
    places = msgspec.structs.replace(platform, kafka_bootstrap=address)
    settings = await ledger_in(places, tmp_path)
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
    async with (
        opened(settings, wait_s=WAIT_S) as gateway,
        served(make_app(gateway)) as port,
        asyncio.TaskGroup() as tasks,
    ):
        load = Load(port)
        tasks.create_task(load.run(CALLERS))
        await until(lambda: len(load.taken) >= BEFORE)
        pid = running.pids["kafka"]
        os.kill(pid, signal.SIGSTOP)  # it hangs, …
        await asyncio.sleep(AWAY_S)
        await until(lambda: load.turned_away >= TIMES_TURNED_AWAY)
        before = len(load.taken)
        os.kill(pid, signal.SIGKILL)  # … crashes, and is started again
        await until(lambda: len(load.taken) >= before + AFTER)
        load.end()
    await _check(settings, load.taken)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def _check(settings: Settings, taken: dict[str, SignedReceipt]) -> None:
    """Each event is where its receipt says, and counts once, however often it was written."""
    log = await read_log(settings)
    key = KeyStore(settings.keys).get("runut")
    places = {(one.partition, one.offset): one.event.event_id for one in log.events}
    for event_id, receipt in taken.items():
        check(receipt, key.public_key)
        assert places[receipt.partition, receipt.offset] == event_id
        folded = fold_subject(log.on_subject(f"case/{event_id}"), log.directory.at)
        verdicts = [entry.folded.verdict for entry in folded.entries]
        assert verdicts[0] == "EFFECTIVE"
        assert set(verdicts[1:]) <= {"DUPLICATE"}
