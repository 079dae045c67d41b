"""Tell a person what the platform is doing: one line a step, a bar for downloads.

Writes to standard error alone, so that a command's `--json` document stays clean. Knows nothing
of what is fetched or started.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

STEP = 10
"""Percent between two lines where there is no terminal to draw a bar on."""

Advance = Callable[[int], None]


class Show:
    """Notes and download progress on standard error; quiet where `quiet` is set."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(file=sys.stderr, quiet=quiet, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False)

    @contextmanager
    def fetching(self, what: str, total: int) -> Iterator[Advance]:
        """Show a download of `total` bytes; yields what counts more bytes, from any thread."""
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            with Progress(*columns, TransferSpeedColumn(), console=self._console) as bar:
                task = bar.add_task(what, total=total)
                yield lambda count: bar.advance(task, count)
        else:
            yield self._lines(what, total)

    def _lines(self, what: str, total: int) -> Advance:
        lock = threading.Lock()
        done = said = 0

        def advance(count: int) -> None:
            nonlocal done, said
            with lock:
                done += count
                percent = min(100, 100 * done // max(total, 1))
                if percent >= said + STEP:
                    said = percent - percent % STEP
                    self.note(f"{what}: {said}% of {total / 1e6:.0f} MB")

        return advance
