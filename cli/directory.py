"""`runut directory`: what the ledger knows of agencies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.common import Data, Json, many, print_json
from runut import registration
from runut.settings import load_settings

directory_app = typer.Typer(no_args_is_help=True, help="Agencies, their roles and mandates.")


@directory_app.command("apply")
def directory_apply(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help="TOML file with [[agency]] tables."),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Register the agencies of a file; those that are registered as it says stay untouched.

    Example: runut directory apply directory.toml
    """
    applied = asyncio.run(registration.apply_directory(load_settings(data), file))
    if as_json:
        print_json({"written": applied})
    else:
        typer.echo(f"{many(len(applied), 'record')} written: {', '.join(applied) or 'nothing new'}")
