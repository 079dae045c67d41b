"""A broker that stops answering in the middle: a clear word in time, and on with it afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from runut import Producer
from runut.errors import RunutError, Unreachable
from runut.founding import found_ledger, make_topics
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings
from tests.builders import DIRECTORY
from tests.integration.logs import Log, read_log
from tests.integration.test_producer import contact


@pytest.fixture
async def kafka_process(platform: Endpoints, tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """A Kafka of this test's own: where it answers, and its process."""
    external = Settings(
        data=tmp_path / "platform",
        registry_url=platform.registry_url,
        postgres_url=platform.postgres_url,
    )
    async with Platform(external, port=0, show=Show(quiet=True)) as running:
        endpoints = await running.start()
        yield endpoints.kafka_bootstrap, running.pids["kafka"]


async def test_events_fail_in_time_while_the_broker_hangs_and_go_on_when_it_is_back(
    kafka_process: tuple[str, int], settings: Settings, schema_ids: Mapping[str, int]
) -> None:
    address, pid = kafka_process
    own = settings.model_copy(update={"kafka_bootstrap": address})
    await make_topics(own, "BROKER")
    await found_ledger(own, schema_ids, clock="BROKER")
    await apply_directory(own, DIRECTORY)
    await publish_keys(own, ["kp2mi"])
    async with Producer(own, delivery_timeout_s=3) as producer:
        await producer.emit_json(contact(1))
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match="send it again with the same event ids"):
                await producer.emit_json(contact(2))
        finally:
            os.kill(pid, signal.SIGCONT)
        await until_answered(lambda: producer.emit_json(contact(3)))
    log: Log = await until_answered(lambda: read_log(own))
    numbers = [one.event.data["contact_id"] for one in log.on_subject("case/A")]
    # c-2 may or may not have reached the broker; nothing overtook anything.
    assert list(dict.fromkeys(numbers)) in (["c-1", "c-3"], ["c-1", "c-2", "c-3"])


async def until_answered(ask: Callable[[], Any]) -> Any:
    """What `ask` gives once Kafka has come to itself again."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await ask()
            except Unreachable as error:
                last: RunutError = error
                assert "does not answer" in str(last)
