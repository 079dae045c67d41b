"""`runut spool`: events that a program kept on this machine's disk, and what became of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.common import Data, Json, print_json, run
from runut.producer import Producer
from runut.settings import Settings, load_settings
from runut.spool import Spool, Standing
from runut.spool_sender import SpoolSender

PARTLY = 3

spool_app = typer.Typer(
    no_args_is_help=True, help="Events that wait on this machine's disk to be sent."
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The spool that a program emits into.")]


@spool_app.command("status")
def status(file: File, as_json: Json = False) -> None:
    """Show what waits in a spool, and what cannot be sent.

    Exit 0: everything goes its way; 3: events are parked, and hold up their subjects.
    """
    with Spool(file, create=False) as spool:
        found = spool.standing()
    _show(found, sent=None, as_json=as_json)


@spool_app.command("send")
def send(file: File, data: Data = None, as_json: Json = False) -> None:
    """Send what waits in a spool, in order, signed with the local keys of its agencies.

    Where a program that emits into it runs, that sends by itself. What was parked is tried again.
    Exit 0: all was sent; 3: events are parked; 1: the ledger cannot be reached.

    Example: runut spool send events.spool
    """
    with Spool(file, create=False) as spool:
        sent = run(_send(load_settings(data), spool))
        found = spool.standing()
    _show(found, sent=sent, as_json=as_json)


@spool_app.command("remove")
def remove(
    file: File,
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="Of a parked event.")],
) -> None:
    """Take a parked event out of a spool, so that the later ones of its subject go.

    Prints it in its JSON form: corrected, it can be sent with runut import.

    Example: runut spool remove events.spool 01970f7e-5a10-7c3e-9d52-2b1f6a0c4e11 > event.jsonl
    """
    with Spool(file, create=False) as spool, spool.removing(event_id) as content:
        sys.stdout.buffer.write(content + b"\n")
        sys.stdout.buffer.flush()


async def _send(settings: Settings, spool: Spool) -> int:
    sender = SpoolSender(spool, lambda: Producer(settings))
    await sender.send_all()
    return sender.sent


def _show(found: Standing, *, sent: int | None, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(found) | ({} if sent is None else {"sent": sent}))
    else:
        if sent is not None:
            typer.echo(f"events sent: {sent}")
        _print(found)
    if found.parked:
        raise typer.Exit(PARTLY)


def _print(found: Standing) -> None:
    since = f", the oldest of {found.oldest:%Y-%m-%d %H:%M %Z}" if found.oldest else ""
    typer.echo(f"{found.path}: events to send: {found.waiting}{since}")
    for one in found.parked:
        typer.echo(f"parked   {one.event_id}  {one.type} on {one.subject} by {one.agency}")
        typer.echo(f"         {one.reason}")
    if found.held:
        typer.echo(f"{found.held} of the same subjects wait behind them")
