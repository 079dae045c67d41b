"""Fixtures that every kind of test may use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from runut.settings import Settings


@pytest.fixture(scope="session")
async def platform() -> AsyncIterator[Endpoints]:
    """The real Kafka, registry and PostgreSQL on free ports, started once for the session."""
    data = Path(tempfile.mkdtemp(prefix="runut-tests-"))
    async with Platform(Settings(data=data), port=0, show=Show(quiet=True)) as running:
        yield await running.start()
    shutil.rmtree(data)
