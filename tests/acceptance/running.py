"""Runut as a person runs it: real processes of the `runut` command on a data directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ANSWER_S = 120.0
POLL_S = 0.1

RUNUT = (sys.executable, "-m", "cli.main")


def environment(**more: str) -> dict[str, str]:
    """The environment of a person who set nothing of ours, in a terminal of 112 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNUT_")}
    if cache := os.environ.get("RUNUT_CACHE"):
        kept["RUNUT_CACHE"] = cache
    on_path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": on_path, "LC_ALL": "C.UTF-8", "COLUMNS": "112", **more}


def until(condition: Callable[[], bool], *, expected: str, deadline_s: float = ANSWER_S) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"expected {expected} within {deadline_s:g} s"
        time.sleep(POLL_S)


def processes_of(data: Path) -> list[str]:
    """Command lines of the processes that name the data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
        if str(data) in command:
            found.append(command.strip())
    return found


class Running:
    """`runut up` in a process of its own, and commands on its data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.output = data.with_name(f"{data.name}.up")
        self._environment = environment(RUNUT_DATA=str(data))
        self._process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start, and return when everything answers."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [*RUNUT, "up", "--port", "0"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        until(self._answers, expected="runut up to be running")

    def stop(self) -> int:
        """End it as a service manager would; gives its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(ANSWER_S)

    def command(self, *arguments: str, given: bytes | None = None) -> str:
        """Run one command to its end; gives its standard output. It must exit with 0."""
        done = self.attempt(*arguments, given=given)
        assert done.returncode == 0, f"{arguments}: {done.stderr.decode()}"
        return done.stdout.decode()

    def attempt(
        self, *arguments: str, given: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end, however it ends."""
        return subprocess.run(
            [*RUNUT, *arguments],
            env=self._environment,
            input=given,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )

    def ask(self, *arguments: str) -> Any:
        """The document that a command prints with --json."""
        return json.loads(self.command(*arguments, "--json"))

    def ask_all(self, *questions: Sequence[str]) -> list[Any]:
        """The documents of several commands, two at a time: each takes seconds to start."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            return list(pool.map(lambda question: self.ask(*question), questions))

    @property
    def environment(self) -> Mapping[str, str]:
        """In which the platform's commands run."""
        return self._environment

    def _answers(self) -> bool:
        assert self._process is not None
        output = self.output.read_text()
        assert self._process.poll() is None, f"runut up ended: {output}"
        return "Running." in output
