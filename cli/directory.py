"""`runut directory` and `keys`: what the ledger knows of agencies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.common import Data, Json, many, print_json
from runut import registration
from runut.settings import load_settings

directory_app = typer.Typer(no_args_is_help=True, help="Agencies, their roles and mandates.")
keys_app = typer.Typer(no_args_is_help=True, help="Signing keys of agencies.")


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


@keys_app.command("new")
def keys_new(
    agencies: Annotated[list[str] | None, typer.Argument(help="Codes of agencies.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every registered agency.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a signing key for agencies and publish it; a valid local key is kept.

    Example: runut keys new kp2mi bp3mi-ntt
    """
    if everyone == bool(agencies):
        raise typer.BadParameter("expected codes of agencies, or --all")
    chosen = None if everyone else agencies
    keys = asyncio.run(registration.publish_keys(load_settings(data), chosen))
    if as_json:
        print_json([{"agency": key.agency, "key_id": key.key_id} for key in keys])
        return
    for key in keys:
        typer.echo(f"{key.agency:<24} {key.key_id}")
    if not keys:
        typer.echo("every agency has a valid key here already", err=True)
