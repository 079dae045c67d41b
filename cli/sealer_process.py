"""The process of the sealer: patient with others, and ended by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Final

import uvloop

from cli.web_log import configure_logging
from consumers.sealer import Sealer
from runut.settings import Settings

NICENESS: Final = 10
"""Who projects goes first where there are too few cores: a seal may come a moment later."""


def run_sealer(settings: Settings) -> None:
    """Seal until SIGTERM or SIGINT. Raises as `Sealer.run`."""
    configure_logging(settings.log_level)
    _give_way()
    uvloop.run(_until_stopped(settings))


def _give_way() -> None:
    os.nice(NICENESS)
    # Linux weighs sessions before the processes in them (sched(7)), and every part of a platform is
    # a session. In another's, such as a terminal's, it is not ours to weigh.
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(NICENESS))


async def _until_stopped(settings: Settings) -> None:
    sealing = asyncio.ensure_future(Sealer(settings).run())
    loop = asyncio.get_running_loop()
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, sealing.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await sealing
