"""Whether the parts that the web process needs answer: Kafka, the registry, PostgreSQL.

Anybody may ask, as often as they like: the parts are asked once a second at most. The answer names
the part; what is wrong with it is said in the log, once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from embedded.registry import registry_answers
from runut.adapters import kafka
from runut.adapters.postgres import Lend
from runut.errors import RunutError, Unreachable
from runut.settings import Settings

log = structlog.get_logger(__name__)

HOLDS_S: Final = 1.0
PATIENCE_S: Final = 3.0

Ask = Callable[[], Awaitable[None]]


class Readiness:
    """Which parts answer; `await readiness()`."""

    def __init__(self, settings: Settings, lend: Lend) -> None:
        """Take where the parts are, and who lends connections to PostgreSQL."""
        self._settings = settings
        self._lend = lend
        self._turn = asyncio.Lock()
        self._failing: dict[str, str] = {}
        self._until = float("-inf")

    async def __call__(self) -> dict[str, bool]:
        """Whether each part answers, by its name."""
        parts = {"Kafka": self._kafka, "registry": self._registry, "PostgreSQL": self._postgres}
        async with self._turn:
            if time.monotonic() > self._until:
                await self._ask_all(parts)
                self._until = time.monotonic() + HOLDS_S
        return {name: name not in self._failing for name in parts}

    async def _ask_all(self, parts: Mapping[str, Ask]) -> None:
        reasons = await asyncio.gather(*map(_reason, parts.values()))
        failing = {name: why for name, why in zip(parts, reasons, strict=True) if why is not None}
        for name in failing.keys() - self._failing.keys():
            log.warning("does not answer", part=name, reason=failing[name])
        for name in self._failing.keys() - failing.keys():
            log.info("answers again", part=name)
        self._failing = failing

    async def _kafka(self) -> None:
        client = AIOKafkaAdminClient(**kafka.client_options(self._settings))
        async with kafka.connected(self._settings, client, PATIENCE_S):
            pass

    async def _registry(self) -> None:
        url = self._settings.registry_url or ""
        if why := await registry_answers(url):
            raise Unreachable("schema registry", url, "check RUNUT_REGISTRY_URL", why)

    async def _postgres(self) -> None:
        async with self._lend() as connection:
            await connection.execute("SELECT 1")


async def _reason(ask: Ask) -> str | None:
    """Why a part does not answer; None if it does."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ask()
    except (RunutError, TimeoutError) as error:
        return str(error) or type(error).__name__
    return None
