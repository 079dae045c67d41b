"""Fixtures that every kind of test may use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings as hypothesis_settings

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from runut import native
from runut.settings import Settings

# No timing decides a test.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")

# Where nothing could be compiled; tests/unit/test_native.py says whether it could.
collect_ignore_glob = [] if native.IS_USED else ["unit/test_native_*.py"]


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command that a test runs within this process says how it logs, and where to."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def platform_data() -> Iterator[Path]:
    """The data directory of the session's platform."""
    data = Path(tempfile.mkdtemp(prefix="runut-tests-"))
    yield data
    shutil.rmtree(data)


@pytest.fixture(scope="session")
async def platform(platform_data: Path) -> AsyncIterator[Endpoints]:
    """The real Kafka, registry and PostgreSQL on free ports, started once for the session."""
    settings = Settings(data=platform_data)
    async with Platform(settings, port=0, show=Show(quiet=True)) as running:
        yield await running.start()
