"""`runut watch`: import what people and programs save in a folder."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from cli.common import Data, Json, print_json, run
from cli.imports import PARTLY, Mapping, OnlyAgency, RefusePersonalData
from producers.drop.folder import DropFolder
from producers.drop.report import FileReport
from producers.drop.watcher import Watcher
from producers.files.mapping_file import read_mapping
from producers.importer import Rules
from runut.errors import BadInput
from runut.keystore import KeyStore
from runut.producer import Producer
from runut.settings import Settings, load_settings

LOOK_EVERY_S: Final = 2.0


def watch(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="The drop folder."),
    ],
    data: Data = None,
    mapping: Mapping = None,
    agency: OnlyAgency = None,
    refuse_personal_data: RefusePersonalData = False,
    once: Annotated[bool, typer.Option("--once", help="Import what is there and return.")] = False,
    every: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.1, help="Between looks; a file unchanged in two is whole."
        ),
    ] = LOOK_EVERY_S,
    as_json: Json = False,
) -> None:
    """Import what is dropped in a folder; move it to done/ or rejected/ with a report beside it.

    Takes .jsonl, .ndjson, .csv and .avro, until SIGTERM or Ctrl-C. Several watchers may share a
    folder, and what one that was killed left is taken over. Exit 0; with --once 3 if a file was
    rejected.

    Example: runut watch /srv/drop/bp3mi-ntt --mapping pengaduan.toml --agency bp3mi-ntt
    """
    settings = load_settings(data)
    _configure_logging(settings)
    outcomes: Counter[str] = Counter()

    def tell(report: FileReport) -> None:
        outcomes[report.outcome] += 1
        typer.echo(report.summary(), err=as_json)

    dropped = DropFolder(folder, not_dropped=mapping)
    watcher = Watcher(
        dropped,
        lambda: Producer(settings, keys=KeyStore(settings.keys), require_keys=False),
        mapping=read_mapping(mapping) if mapping else None,
        rules=Rules(agency, refuse_personal_data),
        look_every_s=every,
        told=tell,
    )
    try:
        dropped.open()
    except BadInput as error:
        raise typer.BadParameter(str(error)) from None
    with closing(dropped):
        run(_watch(watcher, once=once))
    if as_json:
        print_json({"done": outcomes["done"], "rejected": outcomes["rejected"]})
    if once and outcomes["rejected"]:
        raise typer.Exit(PARTLY)


async def _watch(watcher: Watcher, *, once: bool) -> None:
    task = asyncio.ensure_future(watcher.run(once=once))
    for which in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(which, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _configure_logging(settings: Settings) -> None:
    """To standard error, since standard output tells what became of the files."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
