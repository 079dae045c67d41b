"""Fixtures of tests that use the real services, each with its own names in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedded import postgres
from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.directory_follower import DirectoryFollower
from runut.founding import register_schemas
from runut.settings import Settings
from tests import outboxes
from tests.endpoints import WebhookServer, webhook_server
from tests.integration.outbox_stage import Stage, is_size, projecting, until
from tests.integration.sealing_stage import SealedLedger, seal_a_story
from tests.ledgers import found, introduce_agencies, own_settings
from tests.outboxes import AgencyDatabase


@pytest.fixture
def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings with topics, schemas and a key store that no other test uses; nothing is there."""
    return own_settings(platform, tmp_path)


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
    await found(settings, schema_ids)
    return settings


@pytest.fixture
async def ledger(founded: Settings) -> Settings:
    """Settings of a founded ledger with the scenarios' agencies, whose keys are here."""
    await introduce_agencies(founded)
    return founded


@pytest.fixture(scope="module")
async def projected(
    platform: Endpoints, schema_ids: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a ledger whose directory is projected; the tests of a module share it."""
    settings = own_settings(platform, tmp_path_factory.mktemp("projected"))
    await found(settings, schema_ids)
    await introduce_agencies(settings)
    async with DirectoryFollower(settings) as follower:
        size = follower.log.size
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        async with projecting(settings):
            await until(lambda: is_size(connection, "directory_record", size))
    return settings


@pytest.fixture(scope="session")
async def sealed(
    platform: Endpoints, schema_ids: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> SealedLedger:
    """A ledger that was sealed several times, with everything that Kafka holds of it."""
    data = tmp_path_factory.mktemp("sealed")
    settings = own_settings(platform, data, seal_interval_s=0.01)
    await found(settings, schema_ids)
    return await seal_a_story(settings)


@pytest.fixture
async def stage(projected: Settings) -> AsyncIterator[Stage]:
    """An empty outbox."""
    async with connected(projected, name="tests", autocommit=True) as connection:
        await connection.execute("TRUNCATE notice, notice_endpoint")
        yield Stage(projected, connection)


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    """Takes notices."""
    with webhook_server() as server:
        yield server


@pytest.fixture
def postgres_owner(platform: Endpoints, platform_data: Path) -> str:
    """The address of the session's PostgreSQL for who owns it."""
    password = postgres.open_passwords(platform_data / "postgres").postgres
    port = urlsplit(platform.postgres_url).port or 0
    return postgres.url(port, password, postgres.OWNER)


@pytest.fixture
async def database(postgres_owner: str) -> AgencyDatabase:
    """An agency's database with an outbox, on the session's PostgreSQL."""
    return await outboxes.make_outbox(postgres_owner)


@pytest.fixture
async def app(database: AgencyDatabase) -> AsyncIterator[outboxes.Connection]:
    """The agency's own system: every statement a transaction, unless it says otherwise."""
    async with outboxes.session(database.app) as connection:
        yield connection
