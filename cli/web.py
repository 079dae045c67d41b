"""`runut web`: serve the HTTP interfaces and the pages until told to stop."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from cli.common import Data
from cli.loading import uncollected
from runut.settings import MAX_PORT, load_settings

HOST: Final = "127.0.0.1"
PORT: Final = 8080


def web(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="Port to listen on; 0 for a free one.")
    ] = PORT,
) -> None:
    """Serve the HTTP interfaces and the pages. For clusters; `runut up` does it too.

    When told to stop (SIGTERM) it answers the requests it has and takes no more.

    Example: runut web --host 0.0.0.0 --port 8080
    """
    with uncollected():
        from cli.web_run import run_web  # FastAPI takes half a second, and only here
    run_web(load_settings(data), host, port)
