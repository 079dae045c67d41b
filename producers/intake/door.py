"""A gateway that opens when it can: whoever only reads is served meanwhile.

Kafka may come after the web process, and a ledger be founded later. Once open it stays open; what
Kafka does from then on is the producer's to bear.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

import structlog

from producers.intake.gateway import Gateway
from producers.intake.read_models import ReadModels
from runut.backoff import full_jitter
from runut.errors import PlatformError, RunutError
from runut.settings import Settings

log = structlog.get_logger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0


class Door:
    """Tries to open a gateway as long as it is not open."""

    def __init__(self, settings: Settings, read_models: ReadModels) -> None:
        self._settings = settings
        self._read_models = read_models
        self._gateway: Gateway | None = None
        self._closed_by: RunutError = PlatformError("the intake: not tried yet")
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the gateway, or go on trying in the background."""
        if not await self._open():
            self._opening = asyncio.create_task(self._keep_trying())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what was sent; disconnect."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        await self._stack.__aexit__(kind, error, trace)

    def gateway(self) -> Gateway:
        """The open gateway.

        Raises:
            PlatformError: it is not open.
        """
        if self._gateway is None:
            raise PlatformError(f"the intake is not open: {self._closed_by}")
        return self._gateway

    async def _open(self) -> bool:
        try:
            made = Gateway(self._settings, self._read_models)
            self._gateway = await self._stack.enter_async_context(made)
        except RunutError as error:
            log.warning("the intake cannot be opened", reason=str(error))
            self._closed_by = error
            return False
        return True

    async def _keep_trying(self) -> None:
        failures = 1
        while not await self._open():
            pause_s = full_jitter(failures, first_s=FIRST_PAUSE_S, most_s=LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)
            failures += 1
