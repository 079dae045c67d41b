"""`runut witness`: follow a ledger's log, recompute it, cosign its checkpoints."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from audit.witness.attending import Attendance, Attended, signed_checkpoint
from audit.witness.home import About, Home, make_home, open_home
from audit.witness.log_client import LogClient
from audit.witness.refusals import NotCosigned
from audit.witness.service import serve as serve_witness
from audit.witness.standing import lines, standing
from audit.witness.state import WitnessState
from cli.common import Json, print_json, run
from cli.web_log import configure_logging
from runut.errors import BadFile
from runut.notes import parse_verifier_key

PARTLY = 3
REFUSED = 4

witness_app = typer.Typer(
    no_args_is_help=True, help="Follow a ledger's log, recompute it, cosign its checkpoints."
)
Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="Directory of the witness, with its key and state.")
]


@witness_app.command("new")
def new(
    directory: Directory,
    name: Annotated[
        str, typer.Option(help="Under which it cosigns: a URL without scheme, or kp2mi/witness.")
    ],
    ledger: Annotated[
        str,
        typer.Option(
            metavar="KEY", help="Verifier key of the ledger's seals (runut ledger show there)."
        ),
    ],
    log: Annotated[
        str, typer.Option(metavar="URL", help="Where the log is served: https://HOST/api/v1/log")
    ],
    agency: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Raise an alert when the directory gets a record about this one."
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A signed checkpoint that is known: the log must pass through it."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a witness with a key of its own, and print its verifier key.

    The ledger's operator takes it into RUNUT_WITNESSES; who trusts the witness, into a policy.

    Example: runut witness new /srv/witness --name kp2mi/witness --ledger nusantara/seals+… --log …
    """
    about = About(name, ledger, log, agency)
    known = checkpoint and _read_checkpoint(checkpoint, ledger)
    home = make_home(directory, about)
    with closing(WitnessState(home.state)) as state:
        if known:
            state.trust(signed_checkpoint(known, home.ledger)[1])
    if as_json:
        print_json(_standing(home))
    else:
        typer.echo(home.cosigner.key)
        typer.echo(f"The log's credential, if it wants one: {directory}/token", err=True)


@witness_app.command("sign")
def sign(directory: Directory, as_json: Json = False) -> None:
    """Look at the log once: recompute what is new, and cosign it.

    Exit 0: cosigned and handed in; 3: cosigned, the log has not taken it; 4: not cosigned.

    Example: runut witness sign /srv/witness
    """
    configure_logging("INFO")
    try:
        attended = run(_attend(open_home(directory)))
    except NotCosigned as refusal:
        _refused(refusal)
    if as_json:
        print_json(_attended_document(attended))
    else:
        _say(attended)
    if attended.not_delivered is not None:
        raise typer.Exit(PARTLY)


@witness_app.command("serve")
def serve(
    directory: Directory,
    interval_s: Annotated[
        float, typer.Option("--interval", min=1, metavar="SECONDS", help="Between two looks.")
    ] = 60.0,
) -> None:
    """Look at the log again and again, until SIGTERM or Ctrl-C.

    Waits for a log that is away or behind. Exit 4 when it shows something else than before, or what
    does not fit together: somebody has to look then.

    Example: runut witness serve /srv/witness
    """
    configure_logging("INFO")
    home = open_home(directory)
    with closing(WitnessState(home.state)) as state:
        typer.echo("\n".join(lines(standing(home, state))), err=True)
    try:
        run(_serve(home, interval_s))
    except NotCosigned as refusal:
        _refused(refusal)


@witness_app.command("status")
def status(directory: Directory, as_json: Json = False) -> None:
    """Show since when it witnesses, up to where, and what to look at.

    Exit 4 if it did not cosign when it looked last.
    """
    found = _standing(open_home(directory))
    if as_json:
        print_json(found)
    else:
        typer.echo("\n".join(lines(found)))
    if found["refusal"]:
        raise typer.Exit(REFUSED)


def _standing(home: Home) -> dict[str, Any]:
    with closing(WitnessState(home.state, reading=True)) as state:
        return standing(home, state)


@asynccontextmanager
async def _attendance(home: Home) -> AsyncIterator[Attendance]:
    client = LogClient(home.about.log, home.token())
    with closing(WitnessState(home.state)) as state:
        yield Attendance(home, state, client, time.time)
    await client.close()


async def _attend(home: Home) -> Attended:
    async with _attendance(home) as attendance:
        return await attendance.attend()


async def _serve(home: Home, interval_s: float) -> None:
    async with _attendance(home) as attendance:
        task = asyncio.ensure_future(serve_witness(attendance, interval_s))
        for which in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(which, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def _read_checkpoint(file: Path, ledger: str) -> bytes:
    """A note that the ledger signed, found good before anything is made."""
    try:
        known = file.read_bytes()
    except OSError as error:
        raise BadFile(str(file), "a readable file", error.strerror) from None
    signed_checkpoint(known, parse_verifier_key(ledger))
    return known


def _refused(refusal: NotCosigned) -> None:
    typer.echo(f"runut: {refusal}", err=True)
    raise typer.Exit(REFUSED)


def _attended_document(attended: Attended) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(attended)
    return document


def _say(attended: Attended) -> None:
    size, new = attended.checkpoint.size, attended.new_seals
    typer.echo(f"cosigned size {size}: {new} new seals, {attended.new_records} new records")
    for alert in attended.alerts:
        typer.echo(f"ALERT: {alert.tree} offset {alert.offset} is about our own agency", err=True)
    if attended.not_delivered is not None:
        typer.echo(f"the log has not taken it: {attended.not_delivered}", err=True)
