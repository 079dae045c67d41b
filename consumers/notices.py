"""Tell agencies what concerns them: write notices into the outbox, and empty it.

Owns the leader's round: write down how attempts ended, follow the history, offer what is due to
the agent that delivers it. The leader's connection is the only one that writes, and no transaction
is open while anybody is waited for. What is on its way is remembered here alone; whoever dies loses
nothing, since a row stays until its delivery is written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import psycopg
import structlog

from consumers.leadership import leading
from consumers.mail import Mail, SmtpServer
from consumers.webhook import Webhooks
from projections.due import log_time
from projections.news import follow
from projections.notice_outbox import (
    KINDS,
    PAUSES,
    Delivery,
    EndpointKind,
    Outcome,
    due,
    settle,
)
from projections.queries import queries
from projections.reading import load_directory
from runut.adapters.postgres import Connection
from runut.directory import Directory
from runut.directory_writer import SYSTEM
from runut.errors import MissingKey, RunutError, Unreachable
from runut.keystore import KeyStore, SigningKey
from runut.outgoing import usable_keys
from runut.settings import Settings

log = structlog.get_logger(__name__)

TICK_S: Final = 0.5
"""Between rounds: following each commit at once would cost the projector beside it more than it
costs anybody to be told half a second later."""
AT_ONCE: Final[dict[EndpointKind, int]] = {"WEBHOOK": 256, "EMAIL": 8}
"""Endpoints served at the same time: webhooks each by itself, so that none waits for another; all
e-mail goes through one server."""
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses before another try to lead, growing until a round came to its end."""
KEY_PAUSE_S: Final = 60.0
"""A key comes by hand; until then another worker may have one."""

_SQL: Final = queries("notices")


class Offer(NamedTuple):
    """A delivery, with the directory that names what it is about and the keys that sign it."""

    delivery: Delivery
    directory: Directory
    keys: Sequence[SigningKey]


class Notices:
    """The service and its agent, which share one process."""

    def __init__(
        self,
        settings: Settings,
        offer: Callable[[Offer], Awaitable[object]],
        pauses: Sequence[timedelta] = PAUSES,
    ) -> None:
        """Take the way to the agent: what is offered has to come out of `deliver`'s stream.

        Raises:
            SettingError: RUNUT_SMTP_URL is wrong.
        """
        self._settings = settings
        self._offer = offer
        self._pauses = pauses
        self._mail = Mail(SmtpServer.from_url(settings.smtp_url) if settings.smtp_url else None)
        self._at_work: dict[str, EndpointKind] = {}
        """Agencies whose endpoint is being tried, or was and the outcome is to be written."""
        self._outcomes: list[Outcome] = []
        self._ended = asyncio.Event()
        self._directory: Directory | None = None
        self._failures = 0

    async def run(self) -> None:
        """Work until cancelled; while PostgreSQL is away, wait for it.

        Raises:
            LedgerMismatch: the tables are another release's.
        """
        while True:
            try:
                await self._lead()
            except (psycopg.OperationalError, Unreachable) as error:
                pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
                self._failures += 1
                log.warning("notices wait, trying again", reason=str(error).strip())
                await asyncio.sleep(pause_s)
            except MissingKey as error:
                log.warning("notices wait for the ledger's key", reason=str(error))
                await asyncio.sleep(KEY_PAUSE_S)

    async def deliver(self, offers: AsyncIterable[Offer]) -> None:
        """Deliver what is offered, all at the same time: there is one offer for each endpoint."""
        webhooks = Webhooks()
        try:
            async with asyncio.TaskGroup() as deliveries:
                async for offer in offers:
                    deliveries.create_task(self._deliver(offer, webhooks))
        finally:
            await webhooks.close()

    async def _deliver(self, offer: Offer, webhooks: Webhooks) -> None:
        delivery, directory, keys = offer
        address, notice = delivery.address, delivery.notice
        error = None
        try:
            if delivery.kind == "WEBHOOK":
                await webhooks.send(address, notice, directory, keys)
            else:
                await self._mail.send(address, notice, directory)
        except RunutError as failure:
            error = str(failure)
        except Exception as failure:
            # One that nobody thought of is an attempt like others: it parks its notice in the end.
            log.exception("delivery failed", notice_id=notice.notice_id)
            error = type(failure).__name__
        self._outcomes.append(Outcome(delivery, datetime.now(UTC), error))
        self._ended.set()

    async def _lead(self) -> None:
        async with leading(self._settings, "notices") as connection:
            log.info("leads the notices")
            while True:
                self._ended.clear()
                await self._round(connection)
                self._failures = 0
                await self._pause()

    async def _pause(self) -> None:
        """Until something ended, which may have freed an endpoint, or for a moment."""
        try:
            async with asyncio.timeout(TICK_S):
                await self._ended.wait()
        except TimeoutError:
            return

    async def _round(self, connection: Connection) -> None:
        await self._settle(connection)
        directory = await self._latest(connection)
        if directory.ledger is None:
            return  # nothing is projected yet
        now = datetime.now(UTC)
        # Where tests set the records' times it is as late as the log says.
        is_test = directory.ledger.clock == "TEST"
        ledger_now = await log_time(connection) if is_test else now
        await follow(connection, directory, ledger_now or now)
        await self._offer_due(connection, directory, now)

    async def _offer_due(self, connection: Connection, directory: Directory, now: datetime) -> None:
        deliveries: list[Delivery] = []
        for kind in KINDS:
            free = AT_ONCE[kind] - sum(at_work == kind for at_work in self._at_work.values())
            deliveries += await due(connection, now, kind, self._at_work, free)
        if not deliveries:
            return
        store = KeyStore(self._settings.keys)
        keys = list(usable_keys(store, directory, SYSTEM))
        if not keys:
            raise MissingKey(SYSTEM, store.path)
        for delivery in deliveries:
            self._at_work[delivery.notice.agency] = delivery.kind
            await self._offer(Offer(delivery, directory, keys))

    async def _settle(self, connection: Connection) -> None:
        outcomes = self._outcomes[:]
        if not outcomes:
            return
        await settle(connection, outcomes, self._pauses)
        del self._outcomes[: len(outcomes)]
        for outcome in outcomes:
            del self._at_work[outcome.delivery.notice.agency]
            _say(outcome)

    async def _latest(self, connection: Connection) -> Directory:
        """The directory as far as it is projected; read again when it has grown."""
        cursor = await connection.execute(_SQL["directory_offset"])
        row = await cursor.fetchone()
        if self._directory is None or row is None or self._directory.offset != row[0]:
            self._directory = (await load_directory(connection)).latest
        return self._directory


def _say(outcome: Outcome) -> None:
    notice = outcome.delivery.notice
    about = {"notice_id": notice.notice_id, "agency": notice.agency, "kind": notice.kind}
    if outcome.error is None:
        log.info("notice delivered", **about)
    else:
        attempt = outcome.delivery.attempt
        log.warning("notice not delivered", **about, attempt=attempt, reason=outcome.error)
