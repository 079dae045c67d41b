"""A PostgreSQL of a test's own, beside the platform's: to kill, or to restore a dump into."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from embedded import postgres
from embedded.ports import choose_ports
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
    port = choose_ports(0, ["postgres"], data / "ports.json")["postgres"]
    part, _ = postgres.postgres_part(data, port)
    password = postgres.open_passwords(data / "postgres").postgres
    async with Supervisor(run, lambda _: None) as supervisor:
        server = OwnPostgres(
            supervisor,
            replace(part, stop_signal=signal.SIGQUIT),  # "immediate"
            postgres.url(port, password, postgres.OWNER),
        )
        await server.start()
        yield server
