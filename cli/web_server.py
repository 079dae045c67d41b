"""Serve an application until SIGTERM, then finish what was begun.

Owns the socket and the end; what is answered is `cli.web_app`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from cli.web_protocol import BoundedHead
from runut.errors import PlatformError

log = structlog.get_logger(__name__)

BACKLOG: Final = 2048
CLOSING_S: Final = 5.0
"""For what the application opened, after the last request."""
YOUNG_OBJECTS: Final = 2_000
"""So many more than were freed are looked through at a time; a page leaves some hundreds.

That takes a millisecond in which nobody is answered; of more at a time longer, and as long in all.
"""
OPEN_FILES: Final = 16_384
"""At least, where the machine lets us: each listener takes one, and 1,024 are usual."""
STOPS: Final = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        PlatformError: naming the port, where another program has it.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        # Python's own sentence of a taken port names it once more.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise PlatformError(
            f"port {port} for the web service: expected to listen on {host}:{port}, found {why}; "
            "choose another with --port N, or a free one with --port 0"
        ) from None


async def serve(app: FastAPI, listening: socket.socket, drain_s: float, proxies: str) -> None:
    """Serve until SIGTERM or SIGINT; returns when what was begun is done, or its time is up.

    `proxies` may say that they were asked over https.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit, app.router.lifespan_context(app):

            def stop() -> None:
                app.state.stopping.set()
                limit.reschedule(loop.time() + drain_s + CLOSING_S)

            _spare_the_collector()
            allow_open_files()
            await _Server(_config(app, drain_s, proxies), stop).serve([listening])
    except TimeoutError:
        if not limit.expired():
            raise
        log.warning("stopped before everything was done")


def _config(app: FastAPI, drain_s: float, proxies: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHead,
        ws="none",
        lifespan="off",  # entered here: what fails is then one sentence
        access_log=False,  # runut.adapters.http_watch does it
        log_config=None,
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=math.ceil(drain_s),
    )


def allow_open_files() -> None:
    """Let this process have as many files open as thousands of listeners need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if resource.RLIM_INFINITY != soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _spare_the_collector() -> None:
    """What is there now stays: to look at it again and again took 6 of 100 instructions."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


class _Server(uvicorn.Server):
    """Ends by returning: uvicorn's own would die of the signal once more."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, and at once at the second."""
        loop = asyncio.get_running_loop()
        for which in STOPS:
            loop.add_signal_handler(which, self._on_signal)
        try:
            yield
        finally:
            for which in STOPS:
                loop.remove_signal_handler(which)

    def _on_signal(self) -> None:
        if self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True
            self._stop()
