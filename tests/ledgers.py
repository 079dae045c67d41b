"""Ledgers for tests: each with names of its own in services that many tests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from embedded.platform import Endpoints
from runut.founding import found_ledger, make_topics, register_schemas
from runut.registration import apply_directory, publish_keys
from runut.settings import Settings
from tests.builders import DIRECTORY

PARTITIONS = 4


def own_settings(platform: Endpoints, data: Path, **more: Any) -> Settings:
    """Settings with topics, schemas and a key store that no other test uses; nothing is there."""
    name = uuid4().hex[:12]
    return Settings(
        data=data,
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
        **more,
    )


async def found(settings: Settings, schema_ids: Mapping[str, int] | None = None) -> None:
    """Found a ledger that knows nobody but its own agency."""
    await make_topics(settings, "BROKER")
    schema_ids = schema_ids or await register_schemas(settings)
    await found_ledger(settings, schema_ids, clock="BROKER")


async def introduce_agencies(settings: Settings) -> None:
    """Make the scenarios' agencies known to a ledger, and a key of each."""
    await apply_directory(settings, DIRECTORY)
    await publish_keys(settings)
