"""`runut up`, `down` and `ledger`: the platform and what runs on it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli import demo
from cli.common import Data, Json, print_json
from cli.workers import THIS_PROGRAM
from consumers.rebuilding.rebuild import Wanted, rebuild
from embedded import platform as embedded_platform
from embedded.answering import answering
from embedded.platform import Endpoints, Platform
from embedded.progress import Show
from embedded.registry import registry_answers
from embedded.supervisor import Part
from projections.install import installed_version, model_version
from projections.seals.figures import is_sealing
from projections.waiting import is_claimed
from runut.adapters import postgres
from runut.catalogue import catalogue
from runut.directory import Ledger, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import LedgerMismatch, MissingKey
from runut.founding import NAME, announced_schemas, create_ledger, found_ledger
from runut.keystore import KeyStore
from runut.seal_key import seal_signer
from runut.settings import MAX_PORT, Settings, given_settings, load_settings

DEFAULT_PORT = 8080
RESTARTS = 5
USUAL_WORKERS = 4
"""More would leave nothing of a small machine to the broker and the database."""
MAX_WORKERS = 64
CLUSTER = 3
MAX_BROKERS = 9
POLL_S = 0.1
CLOSING_S = 10.0
"""For the web service to end, after what it had begun."""


def up(
    data: Data = None,
    play_demo: Annotated[
        bool, typer.Option("--demo", help="Play the demonstration: a case of unpaid wages.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop everything at the end.")] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_PORT, help="Port of the web service; 0 for free ones for everything."
        ),
    ] = DEFAULT_PORT,
    brokers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_BROKERS,
            help="Kafka brokers. Default: one, or as many as the data was made with.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_WORKERS,
            help=f"Workers, which share the partitions. Default: one a core, {USUAL_WORKERS} at "
            "most.",
        ),
    ] = None,
) -> None:
    """Start Kafka, the registry, PostgreSQL and Runut's services on this machine.

    Founds the ledger on the first start; later ones go on with its data. Ctrl-C stops everything.

    Example: runut up --data /srv/runut --port 8080
    """
    show = Show()
    platform = Platform(given_settings(data), port=port, brokers=brokers, show=show, signals=True)
    count = workers or min(USUAL_WORKERS, os.cpu_count() or 1)
    services = Services(data, count, show.note, is_demonstration=play_demo)
    asyncio.run(_up(platform, services, show, data, play_demo=play_demo, once=once))


async def _up(
    starting: Platform,
    services: Services,
    show: Show,
    data: Path | None,
    *,
    play_demo: bool,
    once: bool,
) -> None:
    async with starting as platform:
        show.note("Starting Kafka, PostgreSQL and the schema registry …")
        endpoints = await platform.start(services.parts)
        settings = load_settings(data)
        _print_places(settings, endpoints, services.ledger.name)
        if play_demo:
            await demo.play(settings)
        if not once:
            show.note("Running. Ctrl-C stops everything.")
            await platform.wait()


class Services:
    """Runut's own services on a platform, once there is a ledger: workers, web, sealer."""

    def __init__(
        self,
        data: Path | None,
        workers: int,
        note: Callable[[str], None],
        *,
        is_demonstration: bool = False,
    ) -> None:
        self._data = data
        self._note = note
        self._workers = workers
        self._is_demonstration = is_demonstration
        self._ledger: Ledger | None = None
        self._is_founded = asyncio.Event()

    @property
    def ledger(self) -> Ledger:
        """The ledger, when the services run."""
        return founded(self._ledger)

    def parts(self, endpoints: Endpoints) -> list[Part]:
        """Workers, web and sealer: started again when they fail, but not for ever."""
        addresses = {
            "kafka_bootstrap": endpoints.kafka_bootstrap,
            "registry_url": endpoints.registry_url,
            "postgres_url": endpoints.postgres_url,
        }
        settings = _with_replication(given_settings(self._data, **addresses))
        variables = {f"RUNUT_{name.upper()}": value for name, value in addresses.items()}
        first = Part(
            name="worker",
            command=[*THIS_PROGRAM, "worker", "--data", settings.data.absolute()],
            env={**os.environ, **variables},
            log=settings.data / "logs" / "worker.log",
            cwd=Path.cwd(),
            prepare=lambda: self._found(settings),
            ready=lambda: self._is_ready(settings),
            expects="every partition to be claimed",
            after=("postgres", "kafka", *(f"kafka-{n}" for n in range(1, MAX_BROKERS + 1))),
            restarts=RESTARTS,
        )
        # One founds the ledger and takes all partitions; the others then take their share.
        others = [_another(first, n) for n in range(2, self._workers + 1)]
        web = self._web(first, endpoints, settings.web_drain_s)
        return [first, web, self._sealer(first, settings), *others]

    def _web(self, worker: Part, endpoints: Endpoints, drain_s: float) -> Part:
        """The web service, which starts beside the first worker as soon as there is a ledger."""
        url = endpoints.web_url
        demonstration = {"RUNUT_WEB_DEMONSTRATION": "true"} if self._is_demonstration else {}
        return replace(
            worker,
            name="web",
            env={**(worker.env or {}), **demonstration},
            command=[*THIS_PROGRAM, "web", *worker.command[-2:], "--port", str(endpoints.web_port)],
            log=worker.log.with_name("web.log"),
            prepare=self._wait_until_founded,
            ready=lambda: answering(f"{url}/readyz"),
            expects=f"the web service to be ready at {url}",
            stop_s=drain_s + CLOSING_S,
        )

    def _sealer(self, worker: Part, settings: Settings) -> Part:
        """The sealer, which starts as the web service does."""

        async def is_ready() -> str | None:
            async with postgres.connected(settings, name="runut up", autocommit=True) as connection:
                return None if await is_sealing(connection) else "nobody seals yet"

        return replace(
            worker,
            name="sealer",
            command=[*THIS_PROGRAM, "sealer", *worker.command[-2:]],
            log=worker.log.with_name("sealer.log"),
            prepare=self._wait_until_founded,
            ready=is_ready,
            expects="a sealer to be connected",
        )

    async def _found(self, settings: Settings) -> None:
        """Found or complete the ledger; the registry is waited for only where it is needed."""
        schemas = await announced_schemas(settings)
        if len(schemas) == len(catalogue()):
            self._ledger = await found_ledger(settings, schemas, clock="BROKER")
        else:
            while await registry_answers(settings.registry_url or ""):
                await asyncio.sleep(POLL_S)  # its own deadline ends the waiting
            self._ledger = await create_ledger(settings)
        await self._rebuild_if_due(settings)
        self._is_founded.set()

    async def _rebuild_if_due(self, settings: Settings) -> None:
        """Make read models of another release again before anybody works with them."""
        async with postgres.connected(settings, name="runut up", autocommit=True) as connection:
            found = await installed_version(connection, settings.model_schema)
        if found in {None, model_version()}:
            return
        self._note("The read models are another release's: making them again from the log …")
        await rebuild(settings, Wanted(os.cpu_count() or 1), lambda _phase, _done, _total: None)

    async def _wait_until_founded(self) -> None:
        await self._is_founded.wait()

    async def _is_ready(self, settings: Settings) -> str | None:
        async with postgres.connected(settings, name="runut up", autocommit=True) as connection:
            claimed = await is_claimed(connection, self.ledger.partitions)
            return None if claimed else "partitions that nobody claimed yet"


def _another(first: Part, n: int) -> Part:
    name = f"{first.name}-{n}"
    log = first.log.with_name(f"{name}.log")
    return replace(first, name=name, log=log, prepare=None, after=(first.name,))


def _with_replication(settings: Settings) -> Settings:
    """Three brokers or more keep three copies of everything, unless the settings say otherwise."""
    brokers = len((settings.kafka_bootstrap or "").split(","))
    if "replication" in settings.model_fields_set or brokers < CLUSTER:
        return settings
    return settings.model_copy(update={"replication": CLUSTER})


def _print_places(settings: Settings, endpoints: Endpoints, ledger: str) -> None:
    host = postgres.address_of(endpoints.postgres_url)
    typer.echo(f"Ledger      {ledger}")
    typer.echo(f"Kafka       {endpoints.kafka_bootstrap}")
    typer.echo(f"Registry    {endpoints.registry_url}")
    typer.echo(f"PostgreSQL  {host}, views in schema {settings.views_schema}")
    typer.echo(f"Web         {endpoints.web_url}")
    typer.echo(f"Data, logs  {settings.data.absolute()}")


def down(data: Data = None) -> None:
    """Stop what `runut up` left running on a data directory."""
    settings = given_settings(data)
    stopped = asyncio.run(embedded_platform.down(settings.data))
    typer.echo("stopped" if stopped else f"nothing runs on {settings.data}", err=True)


ledger_app = typer.Typer(no_args_is_help=True, help="Found a ledger, or show the one there is.")


@ledger_app.command("create")
def ledger_create(
    data: Data = None,
    name: Annotated[
        str | None, typer.Option(help="Its name, in subjects as ledger/NAME. Default: runut.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Found a ledger: topics, schemas, root key, default protocol and calendars.

    Where one is founded already, completes what is missing. `runut up` does this by itself.
    """
    settings = load_settings(data)
    ledger = asyncio.run(create_ledger(settings, name=name or NAME))
    if name is not None and name != ledger.name:
        raise LedgerMismatch(f"ledger: expected to found {name}, found {ledger.name} founded here")
    _show_ledger(settings, ledger, as_json=as_json)


@ledger_app.command("show")
def ledger_show(data: Data = None, as_json: Json = False) -> None:
    """Show how the ledger was founded, and the key that signs its seals if it is here.

    Who is to trust the ledger writes that verifier key into a trust policy.
    """
    settings = load_settings(data)
    _show_ledger(settings, asyncio.run(_read_ledger(settings)), as_json=as_json)


async def _read_ledger(settings: Settings) -> Ledger:
    async with DirectoryFollower(settings) as follower:
        return founded(follower.log.latest.ledger)


def _show_ledger(settings: Settings, ledger: Ledger, *, as_json: bool) -> None:
    found = {
        "name": ledger.name,
        "ledger_id": ledger.ledger_id.hex(),
        "partitions": ledger.partitions,
        "root_keys": [key.hex() for key in ledger.root_keys],
        "require_signatures": ledger.require_signatures,
        "clock": ledger.clock,
        "seal_key": _seal_key(settings, ledger),
    }
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        typer.echo(f"{name:<20}{'–' if shown is None else shown}")


def _seal_key(settings: Settings, ledger: Ledger) -> str | None:
    try:
        return str(seal_signer(KeyStore(settings.keys), ledger.name).key)
    except MissingKey:  # the sealer has it, elsewhere
        return None
