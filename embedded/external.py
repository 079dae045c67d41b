"""Ask the external services that settings name for an answer, before anything is started."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import psycopg
from aiokafka.admin import AIOKafkaAdminClient

from embedded.registry import registry_answers
from runut.adapters import kafka
from runut.errors import NotAdmitted, Unreachable
from runut.settings import Settings

ANSWER_S: Final = 10


async def check_external(settings: Settings) -> None:
    """Return when every external service that settings name answers.

    Raises:
        Unreachable: naming the service, its address and its variable.
        NotAdmitted: Kafka lets nobody in by the settings' login.
    """
    if settings.kafka_bootstrap:
        await _check_kafka(settings, settings.kafka_bootstrap)
    registry = settings.registry_url
    if registry and (why := await registry_answers(registry)):
        raise _unreachable("Schema registry", registry, "REGISTRY_URL", why)
    if settings.postgres_url:
        await _check_postgres(settings.postgres_url)


async def _check_kafka(settings: Settings, address: str) -> None:
    client = AIOKafkaAdminClient(**kafka.client_options(settings))
    try:
        async with kafka.connected(settings, client, ANSWER_S):
            pass
    except NotAdmitted:
        raise
    except Unreachable:
        raise _unreachable("Kafka", address, "KAFKA_BOOTSTRAP", "no answer") from None


async def _check_postgres(url: str) -> None:
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=ANSWER_S)
    except psycopg.Error as error:
        parts = urlsplit(url)
        address = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
        raise _unreachable("PostgreSQL", address, "POSTGRES_URL", str(error).strip()) from None
    await connection.close()


def _unreachable(service: str, address: str, variable: str, why: object) -> Unreachable:
    advice = f"start it, correct RUNUT_{variable}, or unset that to have one started here"
    return Unreachable(service, address, advice, str(why))
