"""Where the measurements happen: a platform of their own, with a founded ledger and its agencies.

Nothing of it remains, and no setting of the environment plays a part.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.processes import ROOT, running
from embedded.platform import Platform
from embedded.progress import Show
from runut.founding import create_ledger
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings

PARTITIONS: Final = 8
DIRECTORY: Final = ROOT / "cli" / "demonstration" / "directory.toml"


class Ground(NamedTuple):
    """A platform that runs, and what is measured of it."""

    settings: Settings
    postgres: int
    """Pid of PostgreSQL's first process."""
    versions: dict[str, str]


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """Start a platform on free ports in a temporary directory; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="runut-bench-") as folder:
        settings = Settings(
            data=Path(folder),
            kafka_bootstrap=None,
            registry_url=None,
            postgres_url=None,
            partitions=PARTITIONS,
        )
        async with Platform(settings, port=0, show=Show(quiet=True)) as platform:
            places = await platform.start()
            settings = settings.model_copy(
                update={
                    "kafka_bootstrap": places.kafka_bootstrap,
                    "registry_url": places.registry_url,
                    "postgres_url": places.postgres_url,
                }
            )
            await create_ledger(settings)
            await apply_directory(settings, DIRECTORY)
            await publish_keys(settings)
            yield Ground(settings, platform.pids["postgres"], places.versions)


def elsewhere(settings: Settings, name: str) -> Settings:
    """The same platform, with read models and a consumer group of their own."""
    return settings.model_copy(
        update={
            "model_schema": f"bench_{name}",
            "views_schema": f"bench_{name}_views",
            "worker_group": f"bench-{name}",
        }
    )


@asynccontextmanager
async def workers(settings: Settings, count: int = 1) -> AsyncIterator[list[int]]:
    """So many `runut worker` processes, which share the partitions; gives their pids."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_program(settings, "worker")) for _ in range(count)]


@asynccontextmanager
async def sealer(settings: Settings) -> AsyncIterator[int]:
    """A `runut sealer` process; gives its pid."""
    async with _program(settings, "sealer") as pid:
        yield pid


def names_of(settings: Settings) -> dict[str, str]:
    """What programs have to be told of where these settings read and write."""
    return {
        "RUNUT_MODEL_SCHEMA": settings.model_schema,
        "RUNUT_VIEWS_SCHEMA": settings.views_schema,
        "RUNUT_WORKER_GROUP": settings.worker_group,
        "RUNUT_SEALS_TOPIC": settings.seals_topic,
        "RUNUT_SEAL_INTERVAL_S": str(settings.seal_interval_s),
    }


@asynccontextmanager
async def _program(settings: Settings, command: str) -> AsyncIterator[int]:
    program = ("-m", "cli.main", command, "--data", str(settings.data))
    async with running(settings.data / "worker.log", names_of(settings), *program) as process:
        yield process.pid
