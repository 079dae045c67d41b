"""Serve the web application until SIGTERM, then finish what was begun.

Owns the socket, the loop and the end; what is answered is `cli.web_app`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
from collections.abc import Iterator
from typing import Final

import typer
import uvicorn
import uvloop
from fastapi import FastAPI

from cli.web_app import build_app
from runut.errors import PlatformError
from runut.settings import Settings

BACKLOG: Final = 2048
STOPS: Final = (signal.SIGINT, signal.SIGTERM)


def run_web(settings: Settings, host: str, port: int) -> None:
    """Serve on an address until told to stop.

    Raises:
        PlatformError: the port is taken.
        RunutError: what the application needs is not there.
    """
    with listen(host, port) as listening:
        address, port = listening.getsockname()[:2]
        typer.echo(f"http://{address}:{port}", err=True)
        uvloop.run(serve(build_app(settings), listening, settings.web_drain_s))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        PlatformError: naming the port, where another program has it.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise PlatformError(
            f"port {port} for the web service: expected to listen on {host}:{port}, found "
            f"{error.strerror}; choose another with --port N, or a free one with --port 0"
        ) from None


async def serve(app: FastAPI, listening: socket.socket, drain_s: float) -> None:
    """Serve until SIGTERM or SIGINT; returns when what was begun is done, or its time is up."""
    config = uvicorn.Config(
        app,
        http="httptools",
        lifespan="off",  # entered here: what fails is then one sentence
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(drain_s),
    )
    async with app.router.lifespan_context(app):
        await _Server(config).serve([listening])


class _Server(uvicorn.Server):
    """Ends by returning: uvicorn's own would die of the signal once more."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for which in STOPS:
            loop.add_signal_handler(which, self.handle_exit, which, None)
        try:
            yield
        finally:
            for which in STOPS:
                loop.remove_signal_handler(which)
