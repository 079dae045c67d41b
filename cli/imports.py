"""`runut import`: many events from a file or standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.common import Data, Json, print_json, run
from cli.look import read_models
from producers.importer import BadLine, Imported, Source, import_lines
from projections.waiting import wait_until_projected
from runut.errors import Unreachable
from runut.keystore import KeyStore
from runut.producer import Producer
from runut.settings import Settings, load_settings

SOME_MALFORMED = 3
STANDSTILL_S = 60.0
SHOWN_BAD_LINES = 5


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSONL; - is standard input.")],
    data: Data = None,
    file_format: Annotated[
        Literal["jsonl"], typer.Option("--format", help="One event in its JSON form a line.")
    ] = "jsonl",
    wait: Annotated[bool, typer.Option("--wait", help="Return when all are projected.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where bad lines go, as JSONL.", metavar="FILE")
    ] = None,
    allow_irregular: Annotated[
        bool,
        typer.Option("--allow-irregular", help="Publish whatever is well-formed (the default)."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Import events, signed with the local keys of their agencies.

    Lines that are no event go to the report, with number and reason, and the rest goes on.
    Importing a file again changes no state. Exit 0: all were well-formed; 3: some were not.

    Example: runut import history.jsonl --wait --report bad.jsonl
    """
    del file_format, allow_irregular  # both have one value so far
    settings = load_settings(data)
    with ExitStack() as stack:
        source = stack.enter_context(_source(file))
        bad = stack.enter_context(_report(report))
        found = run(_import(settings, source, bad, file, wait=wait))
    _summary(found, report, as_json=as_json)
    if found.bad:
        raise typer.Exit(SOME_MALFORMED)


async def _import(
    settings: Settings, source: Source, bad: Callable[[BadLine], None], name: str, *, wait: bool
) -> Imported:
    with _bar() as bar:
        task = bar.add_task(f"import {name}", total=_size(name), what="")
        keys = KeyStore(settings.keys)
        async with Producer(settings, keys=keys, require_keys=False) as producer:
            found = await import_lines(
                producer,
                source,
                report=bad,
                progress=lambda so_far: bar.update(
                    task, completed=so_far.size, what=f"{so_far.published:,} events"
                ),
            )
        if wait:
            await _wait(settings, found, bar)
        return found


async def _wait(settings: Settings, found: Imported, bar: Progress) -> None:
    task: TaskID = bar.add_task("project", total=None, what="")
    async with read_models(settings) as connection:
        done = await wait_until_projected(
            connection,
            found.ends,
            deadline_s=STANDSTILL_S,
            progress=lambda left: bar.update(task, what=f"{left:,} records to go"),
        )
    bar.update(task, total=1, completed=1)
    if not done:
        raise Unreachable(
            "the projector",
            settings.worker_group,
            f"nothing was projected for {STANDSTILL_S:g} s; look at runut status and its log",
        )


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _size(name: str) -> int | None:
    return None if name == "-" else Path(name).stat().st_size


@contextmanager
def _source(name: str) -> Iterator[Source]:
    if name == "-":
        yield cast("Source", sys.stdin.buffer)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise typer.BadParameter(f"expected a readable file, found {name}: {error}") from None
    with file:
        yield cast("Source", file)


@contextmanager
def _report(path: Path | None) -> Iterator[Callable[[BadLine], None]]:
    """Bad lines go to the file; without one, the first few go to standard error."""
    if path is None:
        shown = 0

        def show(line: BadLine) -> None:
            nonlocal shown
            shown += 1
            if shown <= SHOWN_BAD_LINES:
                typer.echo(f"line {line.line}: {line.reason}", err=True)

        yield show
        return
    with path.open("wb") as file:

        def write(line: BadLine) -> None:
            file.write(msgspec.json.encode(line) + b"\n")

        yield write


def _summary(found: Imported, report: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"{found.published} of {found.lines} lines published, {found.bad} malformed")
    if found.bad:
        where = f"in {report}" if report else "shown above: use --report FILE to keep all of them"
        typer.echo(f"malformed lines: {where}", err=True)
