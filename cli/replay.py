"""`runut replay`: fold the log again from Kafka, and hold the read models to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from audit.partition_replay import LISTED, Replayed, Wanted
from audit.replay import replay as replay_all
from audit.replay import replay_subject
from audit.seal_log import LogReached, SealLog
from cli.common import Data, Json, Processes, many, print_json, run
from cli.look import AsOf, console, subject_argument
from projections.portraits import Document
from projections.render import Standing, render_state
from runut.errors import BadInput, NotFound
from runut.seals import Seal
from runut.settings import Settings, load_settings

FAILED: Final = 4
LAST: Final = "last"


def replay(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[SUBJECT]",
            parser=subject_argument,
            help="Such as case/KP2MI-2025-0001. Default: everything.",
        ),
    ] = None,
    as_of: AsOf = None,
    seal: Annotated[
        str | None,
        typer.Option(
            "--seal",
            metavar="N|last",
            help="As of a seal: what Kafka holds up to it has to be what was sealed.",
        ),
    ] = None,
    positions: Annotated[
        str | None,
        typer.Option(
            "--positions",
            metavar="P:OFFSET,…",
            help="As of the positions that an answer names as its origin.",
        ),
    ] = None,
    processes: Processes = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Fold the log again, straight from Kafka, and compare PostgreSQL with it field by field.

    The ledger may run meanwhile: both are read up to the same place. With --as-of what was known
    at a past moment, with --seal or --positions what the log had by then. Exit 0: equal; 4:
    something differs, and what it is stands in a list.

    Example: runut replay case/KP2MI-2025-0001
    """
    settings = load_settings(data)
    sealed = None if seal is None else run(_seal(settings, seal))
    wanted = Wanted(subject, as_of, sealed.heads if sealed else (), _ends(positions))
    if subject is None:
        found, state = run(_everything(settings, wanted, processes)), None
    else:
        found, state = run(_one(settings, wanted))
    if as_json:
        print_json(_document(found, wanted, sealed, state))
    else:
        _print(found, wanted, sealed)
    if found.differing:
        raise typer.Exit(FAILED)


async def _everything(settings: Settings, wanted: Wanted, processes: int | None) -> Replayed:
    with Progress(
        TextColumn("replay"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("replay", total=0)
        return await replay_all(
            settings,
            wanted,
            processes=processes,
            progress=lambda read, total: bar.update(task, completed=read, total=total),
        )


async def _one(settings: Settings, wanted: Wanted) -> tuple[Replayed, Document | None]:
    found, folded = await replay_subject(settings, wanted)
    try:
        moment = wanted.as_of or datetime.now(UTC)
        standing = Standing.of(wanted.subject or "", folded)
        return found, render_state(standing, moment, wanted.as_of)
    except NotFound:  # it has a history and no state
        return found, None


async def _seal(settings: Settings, asked: str) -> Seal:
    """A seal as Kafka's topic of seals has it, every seal before it checked.

    Raises:
        NotFound: there is none of this number.
        BadInput: the log of seals does not hold.
    """
    log = SealLog(None, LogReached())
    await log.read(settings)
    if not log.seals or not (asked == LAST or asked.isdecimal()):
        raise BadInput("--seal", f"a number of one of {len(log.seals)} seals, or {LAST}", asked)
    if asked == LAST:
        return log.seals[-1]
    if int(asked) >= len(log.seals):
        raise NotFound(f"seal {asked}", f"the newest is {log.seals[-1].index}")
    return log.seals[int(asked)]


def _ends(text: str | None) -> dict[int, int]:
    """Positions as they are written: `0:17,1:20`."""
    if text is None:
        return {}
    try:
        return {int(one): int(end) for one, end in (part.split(":") for part in text.split(","))}
    except ValueError:
        raise typer.BadParameter(f"expected positions as 0:17,1:20; found {text!r}") from None


def _document(
    found: Replayed, wanted: Wanted, sealed: Seal | None, state: Document | None
) -> dict[str, Any]:
    seal = sealed.index if sealed else None
    document = {**msgspec.to_builtins(found), "as_of": wanted.as_of, "seal": seal}
    return document if wanted.subject is None else {**document, "state": state}


def _print(found: Replayed, wanted: Wanted, sealed: Seal | None) -> None:
    when = f" as known at {wanted.as_of.isoformat()}" if wanted.as_of else ""
    when += f" up to seal {sealed.index}" if sealed else ""
    typer.echo(
        f"Replayed {many(found.events, 'event')} of {many(found.subjects, 'subject')} from "
        f"Kafka{when}; no events: {many(found.quarantined, 'record')}."
    )
    if not found.differing:
        typer.echo("PostgreSQL says the same, field by field.")
        return
    table = Table("subject", "place", "field", "the log says", "PostgreSQL says")
    for one in found.differences:
        table.add_row(one.subject, one.place, one.field, _cell(one.log), _cell(one.found))
    console().print(table)
    more = found.differing - len(found.differences)
    listed = f" (the first {LISTED} are listed)" if more else ""
    typer.echo(
        f"PostgreSQL differs from the log in {many(found.differing, 'field')}{listed}.", err=True
    )


def _cell(value: Any) -> str:
    return "nothing" if value is None else str(value)
