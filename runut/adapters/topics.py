"""The ledger's topics: created by an explicit command, and held to what a ledger needs.

Owns their configuration (architecture.md §Topics). Refuses topics that somebody else made in
another way: a log that forgets, or whose times are the emitters', is no ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from runut.adapters import kafka
from runut.errors import LedgerMismatch, PlatformError
from runut.settings import Settings

Clock = Literal["BROKER", "TEST"]

# A value has 256 KiB at most; a producer's batch with headers stays well below this.
MAX_MESSAGE_BYTES: Final = 1024 * 1024
_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05


async def create_topics(settings: Settings, clock: Clock) -> None:
    """Create those of the three topics that are not there, and check all of them.

    `clock` BROKER lets the broker stamp records; TEST takes the producer's times.

    Raises:
        LedgerMismatch: a topic has other partitions or another configuration.
        PlatformError: the brokers refuse to create one.
        Unreachable: no broker answers.
    """
    async with _admin(settings) as admin:
        await _create_missing(admin, settings, clock)
        await _check(admin, settings, clock)


async def check_topics(settings: Settings, clock: Clock) -> None:
    """Check that the topics are there and as `create_topics` makes them. Raises as it does."""
    async with _admin(settings) as admin:
        await _check(admin, settings, clock)


async def existing_topics(settings: Settings) -> frozenset[str]:
    """Names of all topics that the brokers have.

    Raises:
        Unreachable: no broker answers.
    """
    async with _admin(settings) as admin:
        return frozenset(await admin.list_topics())


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, admin):
        with kafka.translated(settings):
            async with asyncio.timeout(_TIMEOUT_S):
                yield admin


def topic_partitions(settings: Settings) -> dict[str, int]:
    """Name and number of partitions of each topic of the ledger."""
    return {
        settings.events_topic: settings.partitions,
        settings.directory_topic: 1,
        settings.seals_topic: 1,
    }


def topic_configs(settings: Settings, clock: Clock) -> dict[str, str]:
    """What each topic of the ledger is configured to."""
    configs = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime" if clock == "BROKER" else "CreateTime",
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }
    if settings.replication >= 3:
        configs["min.insync.replicas"] = "2"
    return configs


async def _create_missing(admin: AIOKafkaAdminClient, settings: Settings, clock: Clock) -> None:
    there = set(await admin.list_topics())
    missing = {
        name: partitions
        for name, partitions in topic_partitions(settings).items()
        if name not in there
    }
    if missing:
        configs = topic_configs(settings, clock)
        new = [
            NewTopic(name, partitions, settings.replication, topic_configs=configs)
            for name, partitions in missing.items()
        ]
        _refuse_errors(await admin.create_topics(new))
        await _until_there(admin, missing)


async def _until_there(admin: AIOKafkaAdminClient, topics: Collection[str]) -> None:
    """A topic that was created is known to every broker a moment later."""
    for broker in admin._client.cluster.brokers():
        while not set(topics) <= await _known_to(admin, broker.nodeId):
            await asyncio.sleep(_POLL_S)


async def _known_to(admin: AIOKafkaAdminClient, node: int) -> set[str]:
    # `list_topics` asks any broker, and the next question goes to another one.
    response = await admin._send_request_to_node(node, MetadataRequest(topics=None))
    return {topic["topic"] for topic in response.to_object()["topics"]}


def _refuse_errors(response: Any) -> None:
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        # Another process was faster; whether it made it well is checked afterwards.
        if code and error is not TopicAlreadyExistsError:
            why = message[0] if message and message[0] else error.__name__
            raise PlatformError(f"topic {name}: expected to create it, found {why}")


async def _check(admin: AIOKafkaAdminClient, settings: Settings, clock: Clock) -> None:
    wanted = topic_partitions(settings)
    described = {one["topic"]: one for one in await admin.describe_topics()}
    for name, partitions in wanted.items():
        if name not in described:
            raise LedgerMismatch(f"topic {name}: expected it to be there, found none")
        found = len(described[name]["partitions"])
        if found != partitions:
            raise LedgerMismatch(f"topic {name}: expected {partitions} partitions, found {found}")
    expected = topic_configs(settings, clock)
    for name, configs in (await _configs(admin, list(wanted))).items():
        for key, value in expected.items():
            if configs.get(key) != value:
                raise LedgerMismatch(
                    f"topic {name}: expected {key}={value}, found {configs.get(key)}"
                )


async def _configs(admin: AIOKafkaAdminClient, topics: list[str]) -> Mapping[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _, _, _, name, entries in response.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
