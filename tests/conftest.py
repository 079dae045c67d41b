"""Fixtures that every kind of test may use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadFileScheduling

from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from runut import native
from runut.settings import Settings

# No timing decides a test.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")

# Where nothing could be compiled; tests/unit/test_native.py says whether it could.
collect_ignore_glob = [] if native.IS_USED else ["unit/test_native_*.py"]


class ByWorld(LoadFileScheduling):
    """A file's tests go to one process, and so do all that share a running ledger."""

    def _split_scope(self, nodeid: str) -> str:
        folder, *_ = nodeid.rpartition("/on_a_ledger/")
        return folder or super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWorld:
    """For those who run several processes, `make test` among them."""
    return ByWorld(config, log)


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
