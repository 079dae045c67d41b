"""The one table that a run prints."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table

from bench.found import Found
from bench.sections import sections

WIDTH: Final = 150


def console(*, stderr: bool = False) -> Console:
    """As wide as the table where nobody looks."""
    found = Console(stderr=stderr, log_path=False)
    return found if found.is_terminal else Console(stderr=stderr, width=WIDTH, log_path=False)


def show(found: Found) -> None:
    """Print it."""
    parts = sections(found)
    table = Table(title="Runut, measured", caption=_caption(found), caption_justify="left")
    columns = max(len(one.columns) for one in parts)
    table.add_column("", no_wrap=True)
    for _ in range(columns):
        table.add_column("", justify="right")
    for one in parts:
        table.add_row(f"[bold]{one.title}", *(f"[bold]{name}" for name in one.columns))
        for name, *cells in one.rows:
            table.add_row(f"  {name}", *cells)
        table.add_section()
    console().print(table)


def _caption(found: Found) -> str:
    machine, given = found.machine, found.given
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{machine.measured_at}: {given.events:,} events of {given.cases:,} cases, "
        f"{given.value_bytes} bytes on average; {machine.cores} cores shared with broker, database "
        f"and whatever else ran (load {machine.load_before:.1f} before, {machine.load_after:.1f} "
        f"after); Python {machine.python}; {versions}."
    )
