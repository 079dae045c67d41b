"""The process that draws lines, from the side of whoever wants them.

Owns its life: it is started when first needed, again when it ended, and ends with this process,
whose end of the pipe it reads from. What it does is `dashboard.charts.draw_lines`.
"""

from __future__ import annotations

import atexit
import select
import subprocess
import sys
from contextlib import suppress
from threading import Lock
from typing import Final

import msgspec

from dashboard.charts.figures import Series
from runut.errors import PlatformError

PROGRAM: Final = (sys.executable, "-m", "dashboard.charts.draw_lines")
WITHIN_S: Final = 60.0
"""Of one drawing: the first one waits until libraries are imported."""


class Lines(msgspec.Struct, frozen=True):
    """What is drawn."""

    series: tuple[Series, ...]
    value: str
    """What the vertical axis measures."""
    is_share: bool
    """Values are shares from 0 to 1, shown in per cent."""


class DrawingProcess:
    """Draws one after the other; may be asked from any thread, which waits."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = Lock()
        self._drawing = Lock()

    def warm_up(self) -> None:
        """Start it for the first time; should that fail, whoever wants a chart is told."""
        if self._process is None:
            with suppress(PlatformError):
                self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Have it run, without waiting until it can draw.

        Raises:
            PlatformError: the machine has no room for it.
        """
        with self._starting:
            if self._process is None:
                atexit.register(self.close)
            if self._process is None or self._process.poll() is not None:
                pipe = subprocess.PIPE
                try:
                    self._process = subprocess.Popen(PROGRAM, stdin=pipe, stdout=pipe)
                except OSError as error:
                    raise PlatformError(f"the process that draws charts: {error}") from None
            return self._process

    def draw(self, lines: Lines) -> str:
        """The SVG of lines.

        Raises:
            PlatformError: the process ended meanwhile, or takes too long.
        """
        with self._drawing:
            process = self.start()
            try:
                return _answer(process, msgspec.json.encode(lines) + b"\n")
            except (OSError, TimeoutError, msgspec.DecodeError) as error:
                process.kill()  # its next answer would be to this question
                process.wait()
                raise PlatformError(f"the process that draws charts: {error}") from None

    def close(self) -> None:
        """End it."""
        atexit.unregister(self.close)
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _answer(process: subprocess.Popen[bytes], question: bytes) -> str:
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(question)
    process.stdin.flush()
    answering = select.poll()  # select(2) takes no descriptor above 1023
    answering.register(process.stdout, select.POLLIN)
    if not answering.poll(WITHIN_S * 1000):
        raise TimeoutError(f"expected a drawing within {WITHIN_S:g} s")
    return msgspec.json.decode(process.stdout.readline(), type=str)
