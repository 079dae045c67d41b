"""`runut export` and `runut verify`: a case bundle, and whether it or the ledger holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from audit import offline
from audit.export import export as export_bundle
from audit.live import read_state, verify_ledger
from audit.policy import Policy, read_policy
from audit.report.examination import Examination
from audit.verify import VerificationFailed, Verified
from cli.common import Data, Json, Processes, moment, print_json, run
from cli.look import Subject
from cli.seals import ProvedBy
from runut.errors import BadFile, BadInput
from runut.settings import Settings, load_settings


def export(
    subject: Subject,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")],
    seal: ProvedBy = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write a case's bundle: its records, proofs, state, history and report in one file.

    Up to a seal: the newest that a witness cosigned, else the newest. Exported again at the same
    seal it has the same bytes. Whoever gets it verifies it offline: runut verify FILE.

    Example: runut export case/KP2MI-2025-0001 -o case.zip
    """
    content = run(_export(load_settings(data), subject, seal))
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadFile(str(output), "a file that can be written", error.strerror) from None
    if as_json:
        print_json({"subject": subject, "file": str(output), "bytes": len(content)})
    else:
        typer.echo(f"{output}: {subject}, {len(content):,} bytes")


def verify(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            exists=True,
            dir_okay=False,
            help="A bundle of runut export. Default: the ledger.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Whom to trust: ledger key, root keys, witnesses, quorum.",
        ),
    ] = None,
    not_before: Annotated[
        str | None, typer.Option(metavar="T", help="Refuse a bundle whose seal is older.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="The ledger from its first record, with all maps.")
    ] = False,
    processes: Processes = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report for people, too: .html or .pdf."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Verify a case bundle offline, or the live ledger: a line for each step.

    The ledger is verified from where it was verified last in this data directory, or with --full
    from its first record: every leaf, every signature, every seal. Without a policy it can only
    hold together, and is said to be UNANCHORED. With --report it is written down for those who do
    not run commands, in Indonesian and in English. Exit 0: every step holds; 4: one does not, and
    it is named; 3: of the ledger, seals or cosignatures are missing that should be there by now.

    Example: runut verify case.zip --policy trust.toml
    """
    since = None if not_before is None else moment(not_before)
    if report is not None:
        offline.report_form(report)
    if since is not None and file is None:
        raise BadInput("--not-before", "a FILE with it", "none")
    if full and file is not None:
        raise BadInput("--full", "the ledger, which needs no FILE", file)
    if file is not None:
        found = offline.outcome_of(file, policy, since)
        examined = report and offline.bundle_examination(found, file, policy)
    else:
        trust = None if policy is None else read_policy(policy)
        settings = load_settings(data)
        whole = full or read_state(settings, trust) is None
        found = run(_outcome(settings, trust, processes, full=full))
        examined = report and _examination(found, trust, full=whole)
    if report and examined:
        offline.write_report(report, examined)
    if isinstance(found, VerificationFailed):
        _print(as_json, offline.failed_document(found), f"FAILED: {found}")
        raise typer.Exit(offline.FAILED)
    _print(as_json, offline.document(found), "\n".join(offline.lines(found)))
    if found.missing:
        raise typer.Exit(offline.INCOMPLETE)


def _examination(
    found: Verified | VerificationFailed, policy: Policy | None, *, full: bool
) -> Examination:
    command = "runut verify --full --policy POLICY"
    return Examination(found, datetime.now(UTC), version("runut"), policy, command, full=full)


def _print(as_json: bool, document: dict[str, object], text: str) -> None:
    if as_json:
        print_json(document)
    else:
        typer.echo(text)


async def _export(settings: Settings, subject: str, seal: int | None) -> bytes:
    with _progress("read the partition") as told:
        return await export_bundle(settings, subject, seal, told)


async def _outcome(
    settings: Settings, policy: Policy | None, processes: int | None, *, full: bool
) -> Verified | VerificationFailed:
    with _progress("verify") as told:
        try:
            return await verify_ledger(
                settings, policy, full=full, processes=processes, progress=told
            )
        except VerificationFailed as error:
            return error


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of records."""
    with Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=1)
        yield lambda read, total: bar.update(task, completed=read, total=total)
