"""Start parts in order, wait until they answer, watch them, and stop them all.

A part is any program: what it is and when it is ready come with it. When one dies whose restarts
are used up, everything stops and the error shows the end of its log. Refuses to know Kafka,
PostgreSQL or the registry, and where their files are.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from embedded.processes import Process, dies_with, end, identify, kill_session, remember
from runut.errors import PlatformError

LOG_LINES: Final = 20
ONCE_S: Final = 60
POLL_S: Final = 0.05
STEADY_S: Final = 60.0
"""A part that ran this long has earned its restarts back."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Prepare = Callable[[], Awaitable[None]]
Ready = Callable[[], Awaitable[str | None]]
"""None when the part answers, else why it does not yet."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program that the platform runs."""

    name: str
    command: Sequence[str | Path]
    log: Path
    cwd: Path
    ready: Ready
    expects: str
    """What `ready` waits for, to end the sentence "expected …"."""
    env: Mapping[str, str] | None = None
    """The whole environment; None hands on the supervisor's."""
    prepare: Prepare | None = None
    """Runs before every start, for instance to make the data directory on the first one."""
    after: tuple[str, ...] = ()
    """Parts that must answer first, where they are run here at all."""
    deadline_s: float = 180
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 20
    restarts: int = 0
    """How often in a row it may die and be started again before everything stops."""


@dataclass
class _Running:
    part: Part
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    child: asyncio.subprocess.Process | None = None
    process: Process | None = None
    watcher: asyncio.Task[None] | None = None


class Supervisor:
    """Runs parts for as long as its block lasts.

    A part's death cancels the block and comes out of it as PlatformError. With `signals`,
    SIGINT, SIGTERM and SIGHUP end the block quietly: `interrupted` then names the signal.
    """

    def __init__(
        self,
        run: Path,
        note: Callable[[str], None],
        *,
        signals: bool = False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Take a directory for process files and who is told of restarts and new pids."""
        self._run = run
        self._note = note
        self._signals = signals
        self._changed = changed
        self._parts: dict[str, _Running] = {}
        self._watchers = asyncio.TaskGroup()
        self._owner: asyncio.Task[object] | None = None
        self.interrupted: signal.Signals | None = None

    @property
    def pids(self) -> dict[str, int]:
        """Of every part that runs, by name."""
        return {n: r.process.pid for n, r in self._parts.items() if r.process and r.process.alive}

    async def __aenter__(self) -> Self:
        self._owner = asyncio.current_task()
        await self._watchers.__aenter__()
        if self._signals:
            loop = asyncio.get_running_loop()
            for which in SIGNALS:
                if signal.getsignal(which) is not signal.SIG_IGN:
                    loop.add_signal_handler(which, self._on_signal, which)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        try:
            await self._stop_all()
        except asyncio.CancelledError:  # a second signal: what was slow has been killed
            if not self.interrupted:
                raise
        finally:
            if self._signals:
                for which in SIGNALS:
                    asyncio.get_running_loop().remove_signal_handler(which)
            with _first_error():
                await self._watchers.__aexit__(None, None, None)
        return self.interrupted is not None and isinstance(error, asyncio.CancelledError)

    def _on_signal(self, which: signal.Signals) -> None:
        self.interrupted = which
        if self._owner:
            self._owner.cancel()

    async def wait(self) -> None:
        """Wait until a signal or a part's death ends the block."""
        await asyncio.Event().wait()

    async def start(self, *parts: Part) -> None:
        """Start parts, each when those that it comes after answer; returns when all do.

        Raises:
            PlatformError: a part ended or did not answer in time, with the end of its log.
        """
        for part in parts:
            self._parts[part.name] = _Running(part)
        with _first_error():
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(self._start(self._parts[part.name]))

    async def stop(self, name: str) -> None:
        """Stop one part; the others go on."""
        await self._stop(self._parts[name])
        del self._parts[name]

    async def _start(self, running: _Running) -> None:
        for name in running.part.after:
            if before := self._parts.get(name):
                await before.answers.wait()
        await self._launch(running)
        running.watcher = self._watchers.create_task(self._watch(running))

    async def _launch(self, running: _Running) -> None:
        part = running.part
        if part.prepare:
            await part.prepare()
        part.log.parent.mkdir(parents=True, exist_ok=True)
        if part.log.exists():
            part.log.replace(part.log.with_suffix(".previous.log"))
        with part.log.open("wb") as log:
            running.child = child = await asyncio.create_subprocess_exec(
                *map(str, part.command),
                cwd=part.cwd,
                env=part.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal must reach the supervisor alone
                preexec_fn=dies_with(os.getpid(), part.stop_signal),
            )
        running.process = identify(child.pid, part.stop_signal)
        if running.process:
            remember(running.process, self._run / f"{part.name}.pid")
        since = time.monotonic()
        await self._until_ready(part, child)
        self._note(f"{part.name} answers ({time.monotonic() - since:.1f} s)")
        running.answers.set()
        self._changed()

    async def _until_ready(self, part: Part, child: asyncio.subprocess.Process) -> None:
        why: str | None = "no answer"
        try:
            async with asyncio.timeout(part.deadline_s):
                while child.returncode is None:
                    why = await part.ready()
                    if why is None:
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise PlatformError(
                f"{part.name}: expected {part.expects} within {part.deadline_s:g} s, "
                f"found {why}{log_end(part.log)}"
            ) from None
        raise PlatformError(
            f"{part.name} {_ended(child.returncode)} while it started: "
            f"expected {part.expects}{log_end(part.log)}"
        )

    async def _watch(self, running: _Running) -> None:
        """Wait for a part's end, and start it again as often as it may be."""
        part, left = running.part, running.part.restarts
        while True:
            since = time.monotonic()
            code = await running.child.wait() if running.child else None
            if running.process:
                kill_session(running.process)
            running.answers.clear()
            left = part.restarts if time.monotonic() - since > STEADY_S else left
            if left == 0:
                raise PlatformError(
                    f"{part.name} {_ended(code)}: expected it to run{log_end(part.log)}"
                )
            pause_s = min(10.0, 0.5 * 2.0 ** (part.restarts - left))
            left -= 1
            self._note(f"{part.name} {_ended(code)}; starting it again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            await self._launch(running)

    async def _stop_all(self) -> None:
        """Stop every part after those that came after it."""
        await asyncio.gather(*(self._stop_in_order(each) for each in self._parts.values()))
        self._parts.clear()

    async def _stop_in_order(self, running: _Running) -> None:
        try:
            for other in self._parts.values():
                if running.part.name in other.part.after:
                    await other.stopped.wait()
        finally:  # also when a second signal cancels the waiting
            await self._stop(running)

    async def _stop(self, running: _Running) -> None:
        if running.watcher:
            running.watcher.cancel()
        try:
            if running.process:
                await end(running.process, running.part.stop_s)
        finally:
            if running.child:
                await running.child.wait()
            (self._run / f"{running.part.name}.pid").unlink(missing_ok=True)
            running.stopped.set()


async def run_once(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str],
    cwd: Path,
    limit_s: float = ONCE_S,
) -> int:
    """Run a short program to its end, its output to `log`; returns its exit code.

    It is killed when it takes longer than `limit_s`, or when the caller is cancelled.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *map(str, command),
            env=env,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dies_with(os.getpid(), signal.SIGKILL),
        )
    try:
        async with asyncio.timeout(limit_s):
            return await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def tail(log: Path, lines: int = LOG_LINES) -> str:
    """The last lines of a log; empty where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def log_end(log: Path) -> str:
    """The end of a log, to close an error's sentence with."""
    end_of_log = tail(log)
    return f"; the end of {log}:\n{end_of_log}" if end_of_log else f"; {log} is empty"


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


@contextmanager
def _first_error() -> Iterator[None]:
    """Let the first PlatformError out of a task group's bundle; one sentence is enough."""
    try:
        yield
    except BaseExceptionGroup as bundle:
        found, rest = bundle.split(PlatformError)
        if found is None:
            raise
        raise _leaves(found)[0] from rest


def _leaves(bundle: BaseExceptionGroup[PlatformError]) -> list[PlatformError]:
    leaves: list[PlatformError] = []
    for each in bundle.exceptions:
        leaves += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return leaves
