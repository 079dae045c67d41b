"""The `runut` command: what it offers, and how it ends.

Every error that Runut raises on purpose becomes one sentence on standard error. Exit codes
(interfaces.md): 0 done, 1 failed, 2 wrong usage, 3 partly, 4 verification failed.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli.loading import uncollected
from cli.telemetry import export_traces
from runut.errors import RunutError

COMMANDS: Final[Mapping[str, str]] = {
    "up": "platform.up",
    "down": "platform.down",
    "demo": "sample_world.demo",
    "worker": "workers.worker",
    "web": "web.web",
    "emit": "emit.emit",
    "encode": "encode.encode",
    "import": "imports.import_",
    "watch": "watch.watch",
    "case": "look.case",
    "history": "look.history",
    "commitments": "look.commitments",
    "agency": "look.agency",
    "meetings": "network.meetings",
    "indicators": "network.indicators",
    "rebuild": "rebuild.rebuild",
    "replay": "replay.replay",
    "export": "evidence.export",
    "verify": "evidence.verify",
    "status": "status.status",
    "sealer": "seals.sealer",
    "checkpoint": "seals.checkpoint",
    "receipt": "seals.receipt",
    "ledger": "platform.ledger_app",
    "directory": "directory.directory_app",
    "keys": "keys.keys_app",
    "credentials": "credentials.credentials_app",
    "notices": "notices.notices_app",
    "protocol": "protocol.protocol_app",
    "calendar": "calendar.calendar_app",
    "outbox": "outbox.outbox_app",
    "spool": "spool.spool_app",
    "quarantine": "quarantine.quarantine_app",
    "witness": "witness.witness_app",
}
"""Each command, or group of commands, with where it is in this package."""


class _Imported(Mapping[str, Any]):
    """Commands by their names, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module, _, member = COMMANDS[name].partition(".")
        with uncollected():
            found = getattr(import_module(f"cli.{module}"), member)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(name)(found)
            command = typer.main.get_command(alone)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    """Most commands need little of what all of them together import."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Imported()  # type: ignore[assignment]  # nobody adds to it


app = typer.Typer(
    name="runut",
    cls=_Commands,
    help="A coordination ledger: agencies emit, auditors replay, dashboards read.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        typer.echo(f"runut: nothing more can be written: {error.strerror}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
