"""The `runut` command: what it offers, and how it ends.

Every error that Runut raises on purpose becomes one sentence on standard error. Exit codes
(interfaces.md): 0 done, 1 failed, 2 wrong usage, 3 partly, 4 verification failed.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from cli import (
    calendar,
    credentials,
    directory,
    emit,
    encode,
    evidence,
    imports,
    look,
    network,
    notices,
    outbox,
    platform,
    protocol,
    quarantine,
    rebuild,
    replay,
    sample_world,
    seals,
    spool,
    status,
    watch,
    web,
    witness,
    workers,
)
from cli.telemetry import export_traces
from runut.errors import RunutError

app = typer.Typer(
    name="runut",
    help="A coordination ledger: agencies emit, auditors replay, dashboards read.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(platform.up)
app.command("down")(platform.down)
app.command("demo")(sample_world.demo)
app.command("worker")(workers.worker)
app.command("web")(web.web)
app.command("emit")(emit.emit)
app.command("encode")(encode.encode)
app.command("import")(imports.import_)
app.command("watch")(watch.watch)
app.command("case")(look.case)
app.command("history")(look.history)
app.command("commitments")(look.commitments)
app.command("agency")(look.agency)
app.command("meetings")(network.meetings)
app.command("indicators")(network.indicators)
app.command("rebuild")(rebuild.rebuild)
app.command("replay")(replay.replay)
app.command("export")(evidence.export)
app.command("verify")(evidence.verify)
app.command("status")(status.status)
app.command("sealer")(seals.sealer)
app.command("checkpoint")(seals.checkpoint)
app.command("receipt")(seals.receipt)
app.add_typer(platform.ledger_app, name="ledger")
app.add_typer(directory.directory_app, name="directory")
app.add_typer(directory.keys_app, name="keys")
app.add_typer(credentials.credentials_app, name="credentials")
app.add_typer(notices.notices_app, name="notices")
app.add_typer(protocol.protocol_app, name="protocol")
app.add_typer(calendar.calendar_app, name="calendar")
app.add_typer(outbox.outbox_app, name="outbox")
app.add_typer(spool.spool_app, name="spool")
app.add_typer(quarantine.quarantine_app, name="quarantine")
app.add_typer(witness.witness_app, name="witness")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"runut {version('runut')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Data directory, for any command.")
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    if data is not None:
        os.environ["RUNUT_DATA"] = str(data)
    export_traces(f"runut-{context.invoked_subcommand}")


def run() -> None:
    """Run the command line to its end."""
    try:
        app()
    except RunutError as error:
        typer.echo(f"runut: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
