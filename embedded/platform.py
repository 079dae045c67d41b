"""The platform of one data directory: what it consists of, where it answers, who holds it.

Owns DATA/run, DATA/ports.json and DATA/platform.json. Parts given by settings as external
services are asked for an answer and not started.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from embedded import kafka, postgres, registry
from embedded.artifacts import cache_dir, fetch_programs, read_lock, unexpected_wheels
from embedded.external import check_external
from embedded.ports import LOOPBACK, claimed_ports
from embedded.processes import end, end_leftovers, identify, part_files, recall, remember
from embedded.progress import Show
from embedded.supervisor import Part, Supervisor
from runut.errors import PlatformError
from runut.settings import PLATFORM_FILE, Settings

HOLDER: Final = "holder.json"
"""File in DATA/run that says which process holds the data directory."""
WEB: Final = "web"
DOWN_S: Final = 90
"""How long `down` waits for an `up` to stop everything before it kills it."""


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where the platform answers; DATA/platform.json holds the same and the pids."""

    kafka_bootstrap: str
    registry_url: str
    postgres_url: str
    web_port: int
    versions: dict[str, str]

    @property
    def web_url(self) -> str:
        """Of the web service, where one is run."""
        return f"http://{LOOPBACK}:{self.web_port}"


class Platform:
    """Everything that `runut up` runs on this machine, for as long as its block lasts.

    `async with Platform(…) as platform: endpoints = await platform.start()`; then more parts by
    `add`, then `wait`. Whatever ends the block stops every part.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        port: int = 0,
        brokers: int | None = None,
        restarts: int = 0,
        show: Show | None = None,
        signals: bool = False,
    ) -> None:
        """Take settings made from arguments and environment alone: those of an earlier
        platform.json would make its parts look like external ones.

        Args:
            settings: `data`, and the addresses of external services.
            port: of the web service; the others follow it. 0 for free ones.
            brokers: how many Kafka brokers; None for one, or as the data was made.
            restarts: how often in a row a dead part is started again before everything stops;
                brokers of several are in any case.
            show: where notes and downloads are shown.
            signals: whether SIGINT, SIGTERM and SIGHUP end the block quietly.
        """
        self._settings = settings
        self._data = _whole(settings.data)
        self._port = port
        self._brokers = brokers
        self._restarts = restarts
        self._show = show or Show()
        self._run = self._data / "run"
        self._endpoints: Endpoints | None = None
        self._stack = AsyncExitStack()
        self._supervisor = Supervisor(
            self._run, self._show.note, signals=signals, changed=self._publish
        )

    async def __aenter__(self) -> Self:
        try:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._run.mkdir(exist_ok=True)
        except OSError as error:
            expected = "expected a directory to write to, or where one can be made"
            raise PlatformError(f"{self._data}: {expected}, found {error.strerror}") from None
        async with AsyncExitStack() as stack:
            stack.enter_context(_hold(self._run))
            for name in await end_leftovers(self._run):
                self._show.note(f"{name} was left running by an earlier start: stopped")
            self._file.unlink(missing_ok=True)
            stack.callback(self._file.unlink, missing_ok=True)
            await stack.enter_async_context(self._supervisor)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)

    @property
    def interrupted(self) -> signal.Signals | None:
        """The signal that ended the block."""
        return self._supervisor.interrupted

    @property
    def pids(self) -> dict[str, int]:
        """Of the parts that run, by name."""
        return self._supervisor.pids

    @property
    def _file(self) -> Path:
        return self._data / PLATFORM_FILE

    async def start(
        self, beside: Callable[[Endpoints], Sequence[Part]] = lambda _endpoints: ()
    ) -> Endpoints:
        """Fetch what lacks, start Kafka, PostgreSQL and the registry, wait until they answer.

        `beside` gives more parts, which start as soon as those they come `after` answer.

        Raises:
            PlatformError: an artifact, a port or a part is not as expected.
            Unreachable: an external service does not answer.
        """
        await check_external(self._settings)
        parts, endpoints = await self._plan()
        again = [replace(p, restarts=max(p.restarts, self._restarts)) for p in parts]
        await self._supervisor.start(*again, *beside(endpoints))
        self._endpoints = endpoints
        self._publish()
        return endpoints

    async def add(self, *parts: Part) -> None:
        """Start more parts and wait until they answer (`after` may name Kafka's and others)."""
        await self._supervisor.start(*parts)

    async def wait(self) -> None:
        """Wait until a signal or a part's death ends the block."""
        await self._supervisor.wait()

    async def _plan(self) -> tuple[list[Part], Endpoints]:
        """Decide parts and endpoints; what settings give as external is not started."""
        given, lock = self._settings, read_lock()
        for sentence in unexpected_wheels(lock):
            self._show.note(sentence)
        own_kafka, own_registry = not given.kafka_bootstrap, not given.registry_url
        cluster = kafka.open_cluster(self._data / "kafka", self._brokers) if own_kafka else None
        names, remembered = self._port_names(cluster), self._data / "ports.json"
        ports = self._stack.enter_context(claimed_ports(self._port, names, remembered))
        programs = await fetch_programs(
            lock, cache_dir(), self._show, kafka=own_kafka, registry=own_registry
        )
        parts: list[Part] = []
        bootstrap = given.kafka_bootstrap or ""
        if cluster:
            parts += kafka.kafka_parts(self._data, cluster, ports, programs.jars)
            bootstrap = kafka.bootstrap(ports, cluster.brokers)
        postgres_url = given.postgres_url
        if not postgres_url:
            part, postgres_url = postgres.postgres_part(self._data, ports["postgres"])
            parts.append(part)
        registry_url = given.registry_url
        if not registry_url:
            program = programs.registry
            part, registry_url = registry.registry_part(self._data, program, ports, postgres_url)
            parts.append(part)
        return parts, Endpoints(
            kafka_bootstrap=bootstrap,
            registry_url=registry_url,
            postgres_url=postgres_url,
            web_port=ports[WEB],
            versions=lock.versions,
        )

    def _port_names(self, cluster: kafka.Cluster | None) -> list[str]:
        names = [WEB]
        if not self._settings.registry_url:
            names += registry.PORT_NAMES
        if not self._settings.postgres_url:
            names.append("postgres")
        return names + (kafka.port_names(cluster.brokers) if cluster else [])

    def _publish(self) -> None:
        """Write DATA/platform.json: it holds the database's password, so it is the owner's."""
        if self._endpoints is None:
            return
        document = {
            **msgspec.to_builtins(self._endpoints),
            "pids": {"supervisor": os.getpid(), **self.pids},
        }
        if WEB in self.pids:
            document["web_url"] = self._endpoints.web_url
        beside = self._file.with_name(f".{PLATFORM_FILE}")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(document)))
        beside.replace(self._file)


async def down(data: Path) -> bool:
    """Stop what `up` left running on a data directory; False where nothing ran.

    A living `up` is asked to stop and does so in order; what a killed one left is ended.
    """
    data = _whole(data)
    run = data / "run"
    holder = recall(run / HOLDER)
    found = holder is not None and holder.alive
    if holder:
        await end(holder, DOWN_S)
    if part_files(run):
        with _hold(run):
            found = bool(await end_leftovers(run)) or found
            (data / PLATFORM_FILE).unlink(missing_ok=True)
    return found


def _whole(data: Path) -> Path:
    """The absolute path: parts run in directories of their own."""
    return data.expanduser().resolve()


@contextmanager
def _hold(run: Path) -> Iterator[None]:
    """Hold a data directory: the kernel lets go of the lock however its holder ends."""
    with (run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = recall(run / HOLDER)
            who = f"that of process {holder.pid}" if holder else "one"
            raise PlatformError(
                f"{run.parent}: expected no other `runut up` on it, found {who}; "
                f"stop it with: runut down --data {run.parent}"
            ) from None
        if myself := identify(os.getpid()):
            remember(myself, run / HOLDER)
        try:
            yield
        finally:
            (run / HOLDER).unlink(missing_ok=True)
