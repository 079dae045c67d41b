"""`runut rebuild`: make the read models again from the log, while people go on reading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, Processes, many, print_json, run
from cli.look import console, subject_argument
from consumers.rebuilding.one_subject import SubjectRebuilt, rebuild_subject
from consumers.rebuilding.rebuild import Phase, Rebuilt, Tell, Wanted, clean
from consumers.rebuilding.rebuild import rebuild as rebuild_all
from projections.comparing_models import LISTED
from runut.settings import load_settings

FAILED: Final = 4
SAID: Final[dict[Phase, str]] = {
    "load": "load the log",
    "index": "make indexes",
    "compare": "compare with the live ones",
    "swap": "catch up and swap",
}


def rebuild(
    processes: Processes = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="SUBJECT",
            parser=subject_argument,
            help="Only this one, in its place, such as case/KP2MI-2025-0001.",
        ),
    ] = None,
    accept_differences: Annotated[
        bool,
        typer.Option(
            "--accept-differences", help="Swap even where the live ones say something else."
        ),
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Drop the read models that were live before.")
    ] = False,
    verify_signatures: Annotated[
        bool,
        typer.Option(
            "--verify-signatures",
            help="Verify all signatures anew, also those that the sealer has verified.",
        ),
    ] = False,
    only_clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Rebuild nothing: drop what an interrupted rebuild left, and older read models.",
        ),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make the read models again from the log, beside the live ones, and swap them.

    Readers and workers go on meanwhile. Call it again after an interruption: it goes on. Where the
    tables are of the same version, it compares all rows first, and swaps only what is equal; exit
    4: something differs, and what it is stands in a list.

    Example: runut rebuild --drop-old
    """
    settings = load_settings(data)
    if only_clean:
        _print_dropped(run(clean(settings)), as_json=as_json)
    elif subject is not None:
        _print_subject(run(rebuild_subject(settings, subject)), as_json=as_json)
    else:
        count = processes or os.cpu_count() or 1
        wanted = Wanted(count, accept_differences, drop_old, verify_signatures)
        with _progress() as tell:
            found = run(rebuild_all(settings, wanted, tell))
        _print(found, as_json=as_json)
        raise typer.Exit(0 if found.swapped else FAILED)


class _Rate(ProgressColumn):
    """How fast the log is loaded."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} records/s")


@contextmanager
def _progress() -> Iterator[Tell]:
    """Shows on standard error what goes on, how fast, and how long it takes still."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("rebuild", total=0)

        def tell(phase: Phase, done: int, total: int) -> None:
            if total:
                bar.update(task, description=SAID[phase], completed=done, total=total)
            else:
                bar.update(task, description=SAID[phase])

        yield tell


def _print(found: Rebuilt, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    if found.differences:
        table = Table("table", "subject", "row", "found in")
        for one in found.differences:
            table.add_row(one.table, one.subject, one.key, one.found_in.lower())
        console().print(table)
    if found.differing:
        more = f" (the first {LISTED} are listed)" if found.differing > LISTED else ""
        typer.echo(f"not what the log gives: {many(found.differing, 'row')}{more}.", err=True)
    if not found.swapped:
        typer.echo(
            "The live read models were left as they are. See what differs: runut replay; "
            "to swap all the same: --accept-differences; to drop the new ones: --clean.",
            err=True,
        )
        return
    compared = "compared row by row" if found.compared else "of another version than those before"
    typer.echo(
        f"Rebuilt from {many(found.records, 'record')}, {compared}: "
        f"loaded in {found.load_s:.1f} s, indexed in {found.index_s:.1f} s, "
        f"compared in {found.compare_s:.1f} s, swapped in {found.swap_s:.1f} s."
    )
    if found.old is not None:
        typer.echo(f"Those before are in schema {found.old}; drop them: runut rebuild --clean")


def _print_subject(found: SubjectRebuilt, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    changed = ", ".join(found.changed_tables)
    what = (
        f"rows of {changed} were others" if changed else "nothing was other than the log gives it"
    )
    typer.echo(f"Rebuilt {found.subject} from {many(found.events, 'event')}: {what}.")


def _print_dropped(schemas: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"dropped": schemas})
    else:
        typer.echo(f"dropped {', '.join(schemas)}" if schemas else "nothing to drop")
