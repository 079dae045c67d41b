"""What people are told of an import: entries of the report as they come, and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import typer

from cli.common import print_json
from producers.files.entries import Doubt, Reported, sentence
from producers.importer import Imported
from runut.errors import BadFile
from runut.event import Verdict

SHOWN: Final = 5
"""Bad lines, and warnings, that are shown where a report or a count tells the rest."""


class Teller:
    """Writes the report, and shows what a person should see at once.

    A rehearsal's lines are what it is done for: without a report all of them go to standard output,
    or into the document if one is wanted.
    """

    def __init__(self, report: BinaryIO | None, *, is_rehearsal: bool, as_json: bool) -> None:
        self._report = report
        self._is_rehearsal = is_rehearsal
        self._as_json = as_json
        self._bad = 0
        self._doubts = 0
        self.kept: list[Reported] = []
        """A rehearsal's lines, for the document."""

    def tell(self, one: Reported) -> None:
        """Tell one entry."""
        if self._report is not None:
            self._report.write(msgspec.json.encode(one) + b"\n")
        if isinstance(one, Doubt):
            self._doubts += 1
            if self._doubts <= SHOWN:
                typer.echo(f"warning: {sentence(one)}", err=True)
        elif not self._is_rehearsal:
            self._bad += 1
            if self._report is None and self._bad <= SHOWN:
                typer.echo(sentence(one), err=True)
        elif self._as_json:
            self.kept.append(one)
        elif self._report is None:
            typer.echo(sentence(one))


@contextmanager
def teller(path: Path | None, *, is_rehearsal: bool, as_json: bool) -> Iterator[Teller]:
    """Tells until the block ends; the report goes to the file."""
    if path is None:
        yield Teller(None, is_rehearsal=is_rehearsal, as_json=as_json)
        return
    try:
        opened = path.open("wb")
    except OSError as error:
        raise BadFile(str(path), "a report that can be written there", error.strerror) from None
    with opened as file:
        yield Teller(file, is_rehearsal=is_rehearsal, as_json=as_json)


def summarise(found: Imported, report: Path | None, *, as_json: bool) -> None:
    """Say what an import did."""
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    typer.echo(f"{found.published} of {found.lines} lines published, {found.bad} malformed")
    _say_where(found, report)


def summarise_rehearsal(
    found: Imported, verdicts: Counter[Verdict], told: Teller, report: Path | None, *, as_json: bool
) -> None:
    """Say what an import would do."""
    if as_json:
        print_json(_document(found, verdicts, told))
        return
    judged = [f"{count} {verdict}" for verdict, count in sorted(verdicts.items())]
    counts = ", ".join([*judged, f"{found.bad} malformed"])
    typer.echo(f"dry run, nothing was published: of {found.lines} lines {counts}")
    _say_where(found, report)


def _document(found: Imported, verdicts: Counter[Verdict], told: Teller) -> dict[str, Any]:
    return {
        "dry_run": True,
        "size": found.size,
        "lines": found.lines,
        "bad": found.bad,
        "doubts": found.doubts,
        "verdicts": dict(sorted(verdicts.items())),
        "foreseen": msgspec.to_builtins(told.kept),
    }


def _say_where(found: Imported, report: Path | None) -> None:
    where = f"in {report}" if report else "shown above: use --report FILE to keep all of them"
    if found.doubts:
        typer.echo(f"places that look like personal data: {found.doubts}, {where}", err=True)
    if found.bad:
        typer.echo(f"malformed lines: {where}", err=True)
