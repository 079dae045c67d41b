"""The Faust worker: supervises the services that read the log.

Faust starts, stops and watches; the ledger's writer is plain aiokafka inside a service of it
(architecture.md, decision 4): Faust acknowledges a batch whose handler failed, and its per-event
path is slow. Nothing that must not be lost runs in an agent here: the one that delivers notices is
fed from the outbox, through a channel in memory.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import faust
import mode
import structlog
from faust.app.base import BootStrategy
from mode.supervisors import CrashingSupervisor

from consumers.deadlines import Deadlines
from consumers.notices import Notices
from consumers.projector import Projector
from runut.errors import RunutError, SettingError
from runut.log_filter import Seldom
from runut.settings import Settings

log = structlog.get_logger(__name__)

YOUNG_OBJECTS: Final = 1_000_000
"""How many more objects there may be before Python looks for cycles among the new ones: more than
the half million of a batch of 20,000 records, which hold none."""


class _WithoutTopics(BootStrategy):  # type: ignore[misc]
    """No agent reads a topic, and Faust's own consumer refuses to subscribe to none."""

    enable_kafka = False


class WorkerApp(faust.App):  # type: ignore[misc]
    """The app, remembering why a service of it failed."""

    BootStrategy = _WithoutTopics

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failure: Exception | None = None

    async def on_start(self) -> None:
        """Let channels flow: Faust does so when it is assigned partitions, and it never is."""
        await super().on_start()
        self.flow_control.resume()

    def _create_directories(self) -> None:
        """Faust's are for tables, of which there are none: the worker leaves no file behind."""


def run_worker(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; gives the exit code.

    A failure of a service stops the whole process: whoever supervises it starts it again.
    """
    _configure_logging(settings)
    _collect_seldom()
    app = build_app(settings)
    worker = faust.Worker(
        app,
        loop=asyncio.new_event_loop(),
        loglevel=settings.log_level,
        redirect_stdouts=False,
        quiet=True,
    )
    try:
        worker.execute_from_commandline()
    except SystemExit as stopped:
        if app.failure is None:
            return int(stopped.code or 0)
        _explain(app.failure)
        return 1
    return 0


def build_app(settings: Settings) -> WorkerApp:
    """The Faust app and the services that it supervises."""
    if settings.kafka_bootstrap is None:
        raise SettingError(
            "RUNUT_KAFKA_BOOTSTRAP: expected host:port of the brokers, found nothing"
        )
    app = WorkerApp(
        "runut-worker",
        broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        agent_supervisor=CrashingSupervisor,
        broker_max_poll_records=500,
    )

    # Made when the loop runs: aiokafka asks for it.
    _host(app, "Projector", lambda: Projector(settings).run())
    _host(app, "Deadlines", lambda: Deadlines(settings).run())
    _host_notices(app, settings)
    return app


def _host_notices(app: WorkerApp, settings: Settings) -> None:
    """The service that empties the outbox, and the agent that delivers what it offers."""
    channel = app.channel()
    notices = Notices(settings, lambda offer: channel.send(value=offer))
    app.agent(channel, name="notices")(notices.deliver)
    _host(app, "Notices", notices.run)


def _host(app: WorkerApp, name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Let the app supervise what runs until it is cancelled; its failure is the worker's."""

    async def hosted(_service: mode.Service) -> None:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            app.failure = app.failure or error
            raise

    app.service(type(name, (mode.Service,), {"_work": mode.Service.task(hosted)}))


def _collect_seldom() -> None:
    """Let a batch of records pass without a search for cycles: they hold none.

    What was imported is never looked at again. Otherwise a tenth of the worker's time goes there,
    and now and then a pause as long as everything held in memory takes to be looked through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 50, 100)


def _explain(failure: Exception) -> None:
    if isinstance(failure, RunutError):
        log.error("stopped", reason=str(failure))
    else:
        log.error("stopped", exc_info=failure)


def _configure_logging(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
    handler.addFilter(Seldom())
    aiokafka = logging.getLogger("aiokafka")
    aiokafka.addHandler(handler)
    aiokafka.propagate = False
