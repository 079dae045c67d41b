"""`runut keys`: the signing keys of agencies, made, listed, revoked."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, moment, print_json, run
from cli.look import console
from cli.tables import local
from projections.sentences import LOCAL_ZONE
from runut import registration, revocation
from runut.directory import AgencyKey, Directory
from runut.directory_follower import DirectoryFollower
from runut.errors import NotFound
from runut.keystore import KeyStore
from runut.rfc3339 import format_time
from runut.settings import Settings, load_settings

keys_app = typer.Typer(no_args_is_help=True, help="Signing keys of agencies.")


def _past(text: str) -> datetime:
    """Parse an option that is a moment which has come."""
    found = moment(text)
    if found > datetime.now(UTC):
        raise typer.BadParameter(f"expected a moment that has come; found {text!r}")
    return found


def _words(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("expected words; found none")
    return text.strip()


@keys_app.command("new")
def new(
    agencies: Annotated[list[str] | None, typer.Argument(help="Codes of agencies.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every registered agency.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a signing key for agencies and publish it; a valid local key is kept.

    To replace a key that was lost or leaked, revoke it first: runut keys revoke AGENCY --reason
    leaked. Then this makes another.

    Example: runut keys new kp2mi bp3mi-ntt
    """
    if everyone == bool(agencies):
        raise typer.BadParameter("expected codes of agencies, or --all")
    chosen = None if everyone else agencies
    keys = run(registration.publish_keys(load_settings(data), chosen))
    if as_json:
        print_json([{"agency": key.agency, "key_id": key.key_id} for key in keys])
        return
    for key in keys:
        typer.echo(f"{key.agency:<23} {key.key_id}")
    if not keys:
        typer.echo("every agency has a valid key here already", err=True)


@keys_app.command("list")
def list_(
    agency: Annotated[
        str | None, typer.Argument(metavar="AGENCY", help="Only of this one. Default: of all.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the keys that the directory knows, in the order in which they were published.

    With their custody, since when they are valid, when they were revoked, and whether the private
    key is in the local key store.

    Example: runut keys list kbri-kl
    """
    found = run(_listed(load_settings(data), agency))
    if as_json:
        print_json(found)
    else:
        console().print(_table(found))


@keys_app.command("revoke")
def revoke(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="Its code, such as kbri-kl.")],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            metavar="TEXT",
            parser=_words,
            help="Why, for everybody to read and for good: no names of people.",
        ),
    ],
    key_id: Annotated[
        str | None,
        typer.Argument(metavar="KEY_ID", help="Which key. Default: the only valid one."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="MOMENT",
            parser=_past,
            help="When it was lost or leaked, with its offset; informs only. Default: now.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Have an agency's key count no more, for good; needs the ledger's root key.

    Events that reach the log from now on do not count under it, whatever --since says; those that
    are there already stay as they were judged. Nothing that follows the directory signs with it any
    more. Make another key with: runut keys new AGENCY

    Example: runut keys revoke kbri-kl --reason "laptop stolen" --since 2026-03-02T17:00:00+08:00
    """
    revoked_at = since or datetime.now(UTC)
    revoking = revocation.revoke_key(
        load_settings(data), agency, key_id, reason=reason, revoked_at=revoked_at
    )
    revoked = run(revoking)
    if as_json:
        print_json(msgspec.to_builtins(revoked))
        return
    typer.echo(f"key {revoked.key_id} of {agency} is revoked: what it signs counts no more")
    if revoked.valid_keys:
        typer.echo(f"valid keys of {agency}: {', '.join(revoked.valid_keys)}")
    else:
        typer.echo(f"{agency} has no valid key now; make one: runut keys new {agency}", err=True)


async def _listed(settings: Settings, agency: str | None) -> list[dict[str, Any]]:
    async with DirectoryFollower(settings) as follower:
        directory = follower.log.latest
    if agency is not None and directory.agency(agency) is None:
        raise NotFound(f"agency {agency}", "expected a registered one")
    here = KeyStore(settings.keys).public_keys()
    return [
        _shown(directory, key, is_here=key.public_key in here)
        for key in directory.published_keys()
        if agency in {None, key.agency}
    ]


def _shown(directory: Directory, key: AgencyKey, *, is_here: bool) -> dict[str, Any]:
    revoked_at = directory.revoked_at(key.agency, key.key_id)
    return {
        "agency": key.agency,
        "key_id": key.key_id,
        "public_key": b64encode(key.public_key).decode(),
        "custody": key.custody,
        "valid_from": format_time(key.valid_from),
        "revoked_at": revoked_at and format_time(revoked_at),
        "is_here": is_here,
    }


def _table(found: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Keys", title_justify="left")
    for column in ("agency", "key", "custody", "valid from", "revoked", "private key"):
        table.add_column(column, overflow="fold")
    for one in found:
        revoked = Text(local(one["revoked_at"], LOCAL_ZONE), style="red")
        times = (local(one["valid_from"], LOCAL_ZONE), revoked)
        place = "here" if one["is_here"] else ""
        table.add_row(one["agency"], one["key_id"], one["custody"].lower(), *times, place)
    return table
