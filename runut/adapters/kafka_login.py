"""How Kafka's clients log in, and what to say when Kafka lets them not.

Owns the settings that have to do with TLS and SASL. aiokafka only tells that no broker could be
reached, whatever the reason: so what went wrong is asked for once more, of one connection.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from aiokafka.client import collect_hosts
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context
from aiokafka.protocol.metadata import MetadataRequest

from runut.errors import NotAdmitted, SettingError
from runut.settings import Settings

ANSWER_TIMEOUT_MS: Final = 5_000


def login_options(settings: Settings) -> dict[str, Any]:
    """Arguments of every aiokafka client that say how to log in.

    Raises:
        SettingError: RUNUT_KAFKA_CAFILE holds no certificates, or a login lacks its user or
            password.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = _needed(settings, "username")
        options["sasl_plain_password"] = _needed(settings, "password")
    return options


async def refusal(settings: Settings, bootstrap: str) -> NotAdmitted | None:
    """Why brokers that can be reached let nobody in by these settings; None if none says so."""
    for host, port, _ in collect_hosts(bootstrap):
        why = await _refusal_at(settings, host, port)
        if why is not None:
            return NotAdmitted("Kafka", f"{host}:{port}", *why)
    return None


async def _refusal_at(settings: Settings, host: str, port: int) -> tuple[str, str] | None:
    """What a broker does, and what to look at."""
    options = login_options(settings)
    try:
        connection = await create_conn(host, port, request_timeout_ms=ANSWER_TIMEOUT_MS, **options)
        try:
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        found = f"shows a certificate that is not to be trusted ({error.verify_message})"
        return found, f"RUNUT_KAFKA_CAFILE is {settings.kafka_cafile or 'not set'}"
    except (SaslAuthenticationFailed, AuthenticationFailedError):
        found = f"refuses the login of {settings.kafka_sasl_username}"
        return found, "look at RUNUT_KAFKA_SASL_USERNAME and RUNUT_KAFKA_SASL_PASSWORD"
    except UnsupportedSaslMechanismError:
        found = f"takes no login by {settings.kafka_sasl_mechanism}"
        return found, "look at RUNUT_KAFKA_SASL_MECHANISM"
    except (ssl.SSLError, KafkaConnectionError, IncompatibleBrokerVersion):
        found = f"breaks off a connection by {settings.kafka_security_protocol}"
        return found, "look at RUNUT_KAFKA_SECURITY_PROTOCOL, or whether it is just starting"
    except (KafkaError, OSError, TimeoutError):
        return None
    return None


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    cafile = settings.kafka_cafile
    try:
        context: ssl.SSLContext = create_ssl_context(cafile=str(cafile) if cafile else None)
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(
            f"RUNUT_KAFKA_CAFILE: expected a file of certificates in PEM, found {cafile}: {error}"
        ) from None
    return context


def _needed(settings: Settings, part: str) -> str:
    found: str | None = getattr(settings, f"kafka_sasl_{part}")
    if not found:
        raise SettingError(
            f"RUNUT_KAFKA_SASL_{part.upper()}: expected a {part} where "
            f"RUNUT_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}, found none"
        )
    return found
