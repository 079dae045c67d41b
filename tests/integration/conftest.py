"""Fixtures of tests that use the real services, each with its own names in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.founding import found_ledger, make_topics, register_schemas
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings
from tests.builders import DIRECTORY

PARTITIONS = 4


@pytest.fixture
def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings with topics, schemas and a key store that no other test uses; nothing is there."""
    name = uuid4().hex[:12]
    return Settings(
        data=tmp_path,
        kafka_bootstrap=platform.kafka_bootstrap,
        registry_url=platform.registry_url,
        postgres_url=platform.postgres_url,
        events_topic=f"{name}.events",
        directory_topic=f"{name}.directory",
        seals_topic=f"{name}.seals",
        worker_group=f"{name}.projector",
        model_schema=f"model_{name}",
        views_schema=f"views_{name}",
        partitions=PARTITIONS,
    )


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[Connection]:
    """A connection to empty read models."""
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        yield connection


@pytest.fixture(scope="session")
async def schema_ids(platform: Endpoints) -> Mapping[str, int]:
    """The ids of this release's schemas: the registry gives the same for every ledger."""
    return await register_schemas(Settings(registry_url=platform.registry_url))


@pytest.fixture
async def founded(settings: Settings, schema_ids: Mapping[str, int]) -> Settings:
    """Settings of a founded ledger that knows nobody but its own agency."""
    await make_topics(settings, "BROKER")
    await found_ledger(settings, schema_ids, clock="BROKER")
    return settings


@pytest.fixture
async def ledger(founded: Settings) -> Settings:
    """Settings of a founded ledger with the scenarios' agencies, whose keys are here."""
    await apply_directory(founded, DIRECTORY)
    await publish_keys(founded)
    return founded
