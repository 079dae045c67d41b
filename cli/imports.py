"""`runut import`: many events from a file or standard input, or what would become of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.common import Data, Json, run
from cli.import_report import summarise, summarise_rehearsal, teller
from cli.look import read_models
from cli.rehearsing import Rehearsing, signatures
from producers.files.entries import Binary, Source
from producers.files.formats import Format, format_of, open_source
from producers.files.mapping_file import read_mapping
from producers.importer import Destination, Imported, Publishing, Rules, import_entries
from projections.reading import load_directory, snapshot
from projections.rehearsal import Rehearsal
from projections.waiting import wait_until_projected
from runut.errors import BadFile, BadInput, Unreachable
from runut.event import Verdict
from runut.keystore import KeyStore
from runut.producer import Producer
from runut.settings import Settings, load_settings

PARTLY = 3
STANDSTILL_S = 60.0

Take = Callable[[Destination], Coroutine[None, None, None]]
"""Take the file to a destination."""

Mapping = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="What a table's columns mean, as TOML."),
]
OnlyAgency = Annotated[
    str | None, typer.Option("--agency", metavar="CODE", help="Refuse lines of any other agency.")
]
RefusePersonalData = Annotated[
    bool,
    typer.Option(
        "--refuse-personal-data", help="Refuse lines whose text looks like personal data."
    ),
]


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSONL, CSV or Avro; - is standard input.")
    ],
    data: Data = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Default: by the file's suffix, JSONL for any other."),
    ] = None,
    mapping: Mapping = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the verdict of each line and publish nothing."),
    ] = False,
    agency: OnlyAgency = None,
    refuse_personal_data: RefusePersonalData = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when all are projected.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Where bad lines and warnings go, as JSONL.", metavar="FILE"),
    ] = None,
    allow_irregular: Annotated[
        bool,
        typer.Option("--allow-irregular", help="Publish whatever is well-formed (the default)."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Import events, signed with the local keys of their agencies.

    Lines that are no event go to the report, with number and reason, and the rest goes on.
    Importing a file again changes no state. Exit 0: all were well-formed; 3: some were not, or in a
    dry run would be irregular.

    Example: runut import history.jsonl --wait --report bad.jsonl
    """
    del allow_irregular  # it has one value so far
    settings, found = load_settings(data), Imported()
    with ExitStack() as stack:
        opened = stack.enter_context(_opened(file))
        _demand_other(report, file)
        source = _source(opened, file, file_format, mapping)
        told = stack.enter_context(teller(report, is_rehearsal=dry_run, as_json=as_json))
        bar = stack.enter_context(progress_bar(shown=not dry_run))
        task = bar.add_task(f"import {file}", total=_size(file), what="")

        def take(destination: Destination) -> Coroutine[None, None, None]:
            return import_entries(
                source,
                destination,
                found,
                report=told.tell,
                progress=lambda so_far: bar.update(
                    task, completed=so_far.size, what=f"{so_far.published:,} events"
                ),
                rules=Rules(agency, refuse_personal_data),
            )

        if dry_run:
            verdicts = run(_rehearse(settings, take))
        else:
            run(_publish(settings, take, found))
            if wait:
                run(wait_for(settings, found, bar))
    if dry_run:
        summarise_rehearsal(found, verdicts, told, report, as_json=as_json)
    else:
        summarise(found, report, as_json=as_json)
    if found.bad or (dry_run and verdicts["IRREGULAR"]):
        raise typer.Exit(PARTLY)


async def _publish(settings: Settings, take: Take, found: Imported) -> None:
    keys = KeyStore(settings.keys)
    async with Producer(settings, keys=keys, require_keys=False) as producer:
        await take(Publishing(producer, found))


async def _rehearse(settings: Settings, take: Take) -> Counter[Verdict]:
    async with read_models(settings) as connection, snapshot(connection):
        directory = await load_directory(connection)
        signature = signatures(KeyStore(settings.keys), directory.latest)
        rehearsing = Rehearsing(Rehearsal(connection, directory, datetime.now(UTC), signature))
        await take(rehearsing)
        return rehearsing.verdicts


async def wait_for(settings: Settings, found: Imported, bar: Progress) -> None:
    """Wait until what was published is projected.

    Raises:
        Unreachable: nothing moved for a minute.
    """
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


def _source(file: Binary, name: str, file_format: Format | None, mapping: Path | None) -> Source:
    file_format = file_format or format_of(name) or "jsonl"
    if mapping is not None and file_format != "csv":
        raise typer.BadParameter(f"--mapping: expected a file of format csv, found {file_format}")
    try:
        return open_source(file, file_format, read_mapping(mapping) if mapping else None)
    except BadFile:
        raise
    except BadInput as error:
        raise typer.BadParameter(str(error)) from None


def progress_bar(*, shown: bool) -> Progress:
    """A bar on standard error, with words in its field `what`."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),  # a file may be named so
        BarColumn(),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )


def _size(name: str) -> int | None:
    return None if name == "-" else Path(name).stat().st_size


def _demand_other(report: Path | None, name: str) -> None:
    """That the report is not written over what is imported."""
    if report is not None and name != "-" and report.exists() and report.samefile(name):
        raise typer.BadParameter(f"--report: expected another file than {name}, which is imported")


@contextmanager
def _opened(name: str) -> Iterator[Binary]:
    if name == "-":
        yield cast("Binary", sys.stdin.buffer)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise typer.BadParameter(f"expected a readable file, found {name}: {error}") from None
    with file:
        yield cast("Binary", file)
