"""`runut outbox`: from a table in an agency's own PostgreSQL to the ledger."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import Annotated

import msgspec
import structlog
import typer

from cli.common import Data, Json, print_json, run
from producers.outbox.positions import SHARDS
from producers.outbox.relay import Relay
from producers.outbox.source import ddl, grants
from producers.outbox.standing import Resolved, Standing, resolve, standing
from runut.errors import shorten
from runut.settings import Settings, load_settings

PARTLY = 3
AT_ONCE = 4
LONGEST_REASON = 2000
"""Characters of a refusal that are shown: it may name all fields of a type."""

outbox_app = typer.Typer(
    no_args_is_help=True, help="Relay an agency's own PostgreSQL table to the ledger."
)
Source = Annotated[
    str,
    typer.Option(
        "--source",
        envvar="RUNUT_OUTBOX_SOURCE",
        metavar="POSTGRES_URL",
        help="The agency's database; a password may be in ~/.pgpass.",
    ),
]
RowId = Annotated[str, typer.Argument(metavar="ID", help="id of the row in the outbox.")]


@outbox_app.command("ddl")
def print_ddl(
    writer_role: Annotated[
        str | None, typer.Option(metavar="ROLE", help="May insert: the agency's own system.")
    ] = None,
    relay_role: Annotated[
        str | None, typer.Option(metavar="ROLE", help="May do what the relay does, and no more.")
    ] = None,
) -> None:
    """Print the SQL that makes the outbox in an agency's database, and grants rights on it.

    Example: runut outbox ddl --writer-role app --relay-role relay | psql "$DATABASE"
    """
    typer.echo(ddl())
    for which, role in (("writer", writer_role), ("relay", relay_role)):
        if role is not None:
            typer.echo(grants(which, role))


@outbox_app.command("relay")
def relay(
    source: Source,
    agency: Annotated[
        str, typer.Option(help="Code of the agency that emits; its key is in the local key store.")
    ],
    data: Data = None,
    once: Annotated[
        bool, typer.Option("--once", help="Return when there is nothing to send.")
    ] = False,
    shards: Annotated[
        int,
        typer.Option(
            min=1, max=SHARDS, help=f"On how many of the {SHARDS} shards to work at once."
        ),
    ] = AT_ONCE,
    as_json: Json = False,
) -> None:
    """Carry what the database commits to the ledger, until SIGTERM or Ctrl-C.

    Waits for PostgreSQL and Kafka when they are away. Several relays share the work. At its end
    prints what it did. Exit 0; with --once 3 if a row was refused, 1 if something was away.

    Example: runut outbox relay --source postgresql://relay@db/app --agency kp2mi
    """
    settings = load_settings(data)
    _configure_logging(settings)
    relaying = Relay(settings, source, agency, at_once=shards)
    run(_relay(relaying, once=once))
    found = relaying.relayed
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        typer.echo(f"events sent: {found.sent}, rows refused: {found.refused}")
    if once and found.refused:
        raise typer.Exit(PARTLY)


async def _relay(relaying: Relay, *, once: bool) -> None:
    task = asyncio.ensure_future(relaying.run(once=once))
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


@outbox_app.command("status")
def status(source: Source, as_json: Json = False) -> None:
    """Show what is still to be sent, and what waits for a person.

    Exit 0: everything goes its way; 3: rows are refused, or subjects wait for a missing version.
    """
    found = run(standing(source))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _print_standing(found)
    if found.needs_a_person:
        raise typer.Exit(PARTLY)


@outbox_app.command("skip")
def skip(row: RowId, source: Source) -> None:
    """Leave a refused row out, so that the later ones of its subject go."""
    _say("skipped", run(resolve(source, row, skipped=True)))


@outbox_app.command("retry")
def retry(row: RowId, source: Source) -> None:
    """Try a refused row again, such as after an upgrade of Runut. Changing the row does so too."""
    _say("to be tried again", run(resolve(source, row, skipped=False)))


def _say(what: str, row: Resolved) -> None:
    typer.echo(f"{shorten(row.subject)} version {row.version}: {what}")


def _print_standing(found: Standing) -> None:
    since = f", the oldest of {found.oldest:%Y-%m-%d %H:%M %Z}" if found.oldest else ""
    typer.echo(f"{found.source}: rows to send: {found.unsent}{since}")
    if found.held_back:
        typer.echo(f"{found.held_back} of them wait for an older transaction to end")
    for row in found.refused:
        what = f"{shorten(row.subject)} version {row.version}, {shorten(row.type)}"
        typer.echo(f"refused  {row.id}  {what}")
        typer.echo(f"         {shorten(row.reason, LONGEST_REASON)}")
    for one in found.waiting:
        missing = f"version {one.missing} is not there, {one.seen} is"
        typer.echo(f"waiting  {shorten(one.subject)}: {missing}")


def _configure_logging(settings: Settings) -> None:
    """To standard error, since standard output is the command's result."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
