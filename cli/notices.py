"""`runut notices`: where notices go, which wait, what became of them, and the key that signs them.

For whoever operates the worker; it delivers by itself. Nothing here reaches an endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, many, print_json, run
from cli.look import console, expect_agency, read_models
from cli.tables import local
from projections import notice_endpoints, notice_outbox
from projections.notice_outbox import EndpointKind, NoticeState
from projections.reading import load_directory
from projections.sentences import LOCAL_ZONE
from runut.directory_writer import SYSTEM
from runut.errors import MissingKey, NotFound
from runut.keystore import KeyStore, SigningKey
from runut.outgoing import usable_keys
from runut.settings import Settings, load_settings
from runut.webhooks import public_key_text

LISTED: Final = 100

notices_app = typer.Typer(no_args_is_help=True, help="What agencies are told, and where.")
endpoint_app = typer.Typer(no_args_is_help=True, help="Where an agency's notices go.")
notices_app.add_typer(endpoint_app, name="endpoint")

State = Literal["waiting", "delivered", "parked", "expired"]
Agency = Annotated[str, typer.Argument(metavar="AGENCY", help="Its code, such as kbri-kl.")]
OfAgency = Annotated[str | None, typer.Option("--agency", metavar="CODE", help="Only of this one.")]


@notices_app.command("list")
def list_(
    agency: OfAgency = None,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="As many at most.")] = LISTED,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show notices, the newest first, and what became of each.

    Waiting: it is still to be delivered, if need be again and again. Parked: it was tried to no
    avail and waits for `runut notices retry`. Expired: its agency had no endpoint for too long.

    Example: runut notices list --agency kbri-kl --state waiting
    """
    wanted = cast("NoticeState | None", state and state.upper())
    found = run(_listed(load_settings(data), agency, wanted, limit))
    if as_json:
        print_json(found)
    else:
        console().print(_notices_table(found))


@notices_app.command("retry")
def retry(
    notice_id: Annotated[
        UUID | None, typer.Argument(metavar="NOTICE_ID", help="As `runut notices list` shows it.")
    ] = None,
    parked: Annotated[bool, typer.Option("--parked", help="All that are parked.")] = False,
    agency: OfAgency = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Try to deliver a notice, or all that are parked, at once and with all attempts anew.

    Example: runut notices retry --parked --agency kbri-kl
    """
    if parked == (notice_id is not None):
        raise typer.BadParameter("expected the id of a notice, or --parked")
    tried = run(_retry(load_settings(data), str(notice_id) if notice_id else None, agency))
    if as_json:
        print_json({"tried": tried})
    else:
        typer.echo(f"tried again: {many(len(tried), 'notice')}")


@notices_app.command("key")
def key(data: Data = None, as_json: Json = False) -> None:
    """Show the public key with which receivers check webhooks: the ledger's own.

    While one key replaces another there are two, and webhooks carry a signature of each.

    Example: runut notices key
    """
    found = [
        {"key_id": one.key_id, "public_key": public_key_text(one.public_key)}
        for one in run(_keys(load_settings(data)))
    ]
    if as_json:
        print_json(found)
        return
    for one in found:
        typer.echo(one["public_key"])


@endpoint_app.command("set")
def endpoint_set(
    agency: Agency,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Gets signed CloudEvents.")
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", metavar="ADDRESS", help="Gets plain text.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Take a webhook without TLS on another machine.")
    ] = False,
    data: Data = None,
) -> None:
    """Say where an agency's notices go: to a webhook or an e-mail address, one of them.

    Replaces what was said before. Notices that wait are delivered there.

    Example: runut notices endpoint set kbri-kl --webhook https://kbri-kl.example/notices
    """
    kind, address = _chosen(webhook, email, insecure=insecure)
    run(_set_endpoint(load_settings(data), agency, kind, address))
    typer.echo(f"notices for {agency} go to {address}")


@endpoint_app.command("remove")
def endpoint_remove(agency: Agency, data: Data = None) -> None:
    """Deliver no notices to an agency any more; they wait for another endpoint for two weeks.

    Example: runut notices endpoint remove kbri-kl
    """
    run(_remove_endpoint(load_settings(data), agency))
    typer.echo(f"{agency} has no endpoint any more")


@endpoint_app.command("list")
def endpoint_list(data: Data = None, as_json: Json = False) -> None:
    """Show where whose notices go, and how many wait or are parked there.

    Example: runut notices endpoint list
    """
    found = run(_endpoints(load_settings(data)))
    if as_json:
        print_json(found)
        return
    table = _table("Endpoints", "agency", "kind", "address", "waiting", "parked")
    for one in found:
        parked = Text(str(one["parked"]), style="red" if one["parked"] else "")
        address = Text(one["address"])
        table.add_row(one["agency"], one["kind"], address, str(one["waiting"]), parked)
    console().print(table)


def _chosen(webhook: str | None, email: str | None, *, insecure: bool) -> tuple[EndpointKind, str]:
    if webhook is not None and email is None:
        return "WEBHOOK", notice_endpoints.webhook_address(webhook, insecure=insecure)
    if email is not None and webhook is None:
        return "EMAIL", notice_endpoints.email_address(email)
    raise typer.BadParameter("expected --webhook URL or --email ADDRESS")


async def _listed(
    settings: Settings, agency: str | None, state: NoticeState | None, limit: int
) -> list[dict[str, Any]]:
    async with read_models(settings) as connection:
        await expect_agency(connection, agency)
        return await notice_outbox.listed(
            connection, datetime.now(UTC), agency=agency, state=state, limit=limit
        )


async def _retry(settings: Settings, notice_id: str | None, agency: str | None) -> list[str]:
    async with read_models(settings) as connection:
        await expect_agency(connection, agency)
        tried = await notice_outbox.retry(
            connection, datetime.now(UTC), notice_id=notice_id, agency=agency
        )
    if notice_id is not None and not tried:
        raise NotFound(f"notice {notice_id}", "expected one that is not delivered, found none")
    return tried


async def _keys(settings: Settings) -> list[SigningKey]:
    async with read_models(settings) as connection:
        directory = (await load_directory(connection)).latest
    keys = KeyStore(settings.keys)
    found = list(usable_keys(keys, directory, SYSTEM))
    if not found:
        raise MissingKey(SYSTEM, keys.path)
    return found


async def _set_endpoint(settings: Settings, agency: str, kind: EndpointKind, address: str) -> None:
    async with read_models(settings) as connection:
        await notice_endpoints.set_endpoint(connection, agency, kind, address, datetime.now(UTC))


async def _remove_endpoint(settings: Settings, agency: str) -> None:
    async with read_models(settings) as connection:
        await notice_endpoints.remove_endpoint(connection, agency)


async def _endpoints(settings: Settings) -> list[dict[str, Any]]:
    async with read_models(settings) as connection:
        return await notice_endpoints.endpoints(connection, datetime.now(UTC))


def _notices_table(found: Sequence[dict[str, Any]]) -> Table:
    table = _table("Notices", "id", "made", "agency", "kind", "about", "due", "state")
    for one in found:
        made_at, due_at = local(one["made_at"], LOCAL_ZONE), local(one["due_at"], LOCAL_ZONE)
        about = Text(f"{one['subject']} {one['about']}")
        row = (one["notice_id"], made_at, one["agency"], one["kind"], about, due_at)
        table.add_row(*row, _state(one))
    return table


def _state(one: dict[str, Any]) -> Text:
    state = Text(one["state"], style="red" if one["state"] == "PARKED" else "")
    if one["state"] == "WAITING" and one["endpoint"] is None:
        state.append(", no endpoint")
    if one["last_error"]:
        state.append(f", attempt {one['attempts']}: {one['last_error']}")
    return state


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
