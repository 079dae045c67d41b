"""Ask the external services that settings name for an answer, before anything is started."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from embedded.registry import registry_answers
from runut.errors import Unreachable
from runut.settings import Settings

ANSWER_S: Final = 10


async def check_external(settings: Settings) -> None:
    """Return when every external service that settings name answers.

    Raises:
        Unreachable: naming the service, its address and its variable.
    """
    if settings.kafka_bootstrap:
        await _check_kafka(settings, settings.kafka_bootstrap)
    registry = settings.registry_url
    if registry and (why := await registry_answers(registry)):
        raise _unreachable("Schema registry", registry, "REGISTRY_URL", why)
    if settings.postgres_url:
        await _check_postgres(settings.postgres_url)


async def _check_kafka(settings: Settings, address: str) -> None:
    client = AIOKafkaClient(bootstrap_servers=address, **_security(settings))
    try:
        async with asyncio.timeout(ANSWER_S):
            await client.bootstrap()
    except (KafkaError, OSError, TimeoutError) as error:
        raise _unreachable("Kafka", address, "KAFKA_BOOTSTRAP", error) from None
    finally:
        await client.close()


def _security(settings: Settings) -> dict[str, Any]:
    encrypted = settings.kafka_security_protocol.endswith("SSL")
    cafile = str(settings.kafka_cafile) if settings.kafka_cafile else None
    return {
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": settings.kafka_sasl_password,
        "ssl_context": create_ssl_context(cafile=cafile) if encrypted else None,
    }


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
