"""Workers that come and go during an import: nothing is lost, nothing is doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from embedded.platform import Endpoints
from runut.adapters import kafka
from runut.settings import Settings
from tests.acceptance.many_cases import case_lines
from tests.acceptance.processes import Command, started, until
from tests.acceptance.read_models import ReadModels, read_models
from tests.ledgers import found, introduce_agencies, own_settings

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings of a ledger of its own in the session's platform."""
    settings = own_settings(platform, tmp_path)
    await found(settings)
    await introduce_agencies(settings)
    return settings


@pytest.fixture
async def models(settings: Settings) -> AsyncIterator[ReadModels]:
    """Its read models."""
    async with read_models(settings) as models:
        yield models


async def is_shared_by(settings: Settings, count: int) -> bool:
    """Whether so many workers share the partitions, and none of these changes hands."""
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, admin):
        try:
            [answer] = await admin.describe_consumer_groups([settings.worker_group])
        except KafkaError:  # Kafka makes what it keeps of groups when it is asked for the first
            return False
    [(_, _, state, _, _, members)] = answer.groups
    return state == "Stable" and len(members) == count


async def test_workers_scaled_from_one_to_three_to_two_to_one_project_every_event_once(
    settings: Settings, models: ReadModels
) -> None:
    lines = case_lines(copies=10)
    share = len(lines) // 4

    async def are(count: int, *running: Command) -> None:
        await until(partial(is_shared_by, settings, count), f"{count} workers", *running)

    async with (
        AsyncExitStack() as stack,
        started(settings, "import", "-", "--json", is_fed=True) as importing,
        started(settings, "worker") as first,
    ):
        await are(1, first)
        giving = [importing.give(lines[:share])]
        two = await stack.enter_async_context(started(settings, "worker", "--processes", "2"))
        await are(3, first, two)
        giving.append(importing.give(lines[share : 2 * share]))
        assert await first.stop() == 0
        await are(2, two)
        giving.append(importing.give(lines[2 * share : 3 * share]))
        last = await stack.enter_async_context(started(settings, "worker"))
        await are(3, two, last)
        giving.append(importing.give(lines[3 * share :]))
        assert await two.stop() == 0
        await are(1, last)
        for one in giving:
            await one
        summary = await importing.document()
        assert summary["published"] == len(lines)
        await until(partial(models.is_past, summary["ends"]), "all to be projected", last)
        assert await last.stop() == 0
    log = await models.check(lines)
    assert len(log.events) == len(lines)
