"""Fixtures of tests that use the real services, each with its own names in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from embedded.platform import Endpoints
from projections.install import install
from runut.adapters.postgres import Connection, connected
from runut.settings import Settings


@pytest.fixture
def settings(platform: Endpoints) -> Settings:
    """Settings with schemas that no other test uses."""
    name = uuid4().hex[:12]
    return Settings(
        postgres_url=platform.postgres_url,
        model_schema=f"model_{name}",
        views_schema=f"views_{name}",
    )


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[Connection]:
    """A connection to empty read models."""
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        yield connection
