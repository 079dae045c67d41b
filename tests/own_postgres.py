"""A PostgreSQL of a test's own, beside the platform's: to kill, or to restore a dump into."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from embedded import postgres
from embedded.ports import claimed_ports
from embedded.supervisor import Part, Supervisor


class OwnPostgres:
    """A server that a test stops and starts."""

    def __init__(self, supervisor: Supervisor, part: Part, admin: str) -> None:
        self.admin = admin
        """URL of its superuser's database."""
        self._supervisor = supervisor
        self._part = part

    async def start(self) -> None:
        """Start it; returns when it answers, after it has recovered."""
        await self._supervisor.start(self._part)

    async def crash(self) -> None:
        """Shut it down immediately: sessions end at once, and nothing is written any more."""
        await self._supervisor.stop(self._part.name)


@asynccontextmanager
async def own_postgres(data: Path) -> AsyncIterator[OwnPostgres]:
    """A server with its files in this directory, running, for as long as the block lasts."""
    run = data / "run"
    run.mkdir(parents=True)
    with claimed_ports(0, ["postgres"], data / "ports.json") as ports:
        part, _ = postgres.postgres_part(data, ports["postgres"])
        password = postgres.open_passwords(data / "postgres").postgres
        admin = postgres.url(ports["postgres"], password, postgres.OWNER)
        async with Supervisor(run, lambda _: None) as supervisor:
            immediate = replace(part, stop_signal=signal.SIGQUIT)
            server = OwnPostgres(supervisor, immediate, admin)
            await server.start()
            yield server
