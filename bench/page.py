"""`docs/reference/performance.md`, as a run found it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bench.found import Found
from bench.sections import Section, sections

WIDTH = 100
INTRODUCTION = """\
# Performance

Written by `make bench` and by nothing else: one run, on one machine, with everything in turn on the
same events. A machine drifts, and others use it: compare rows of this page with each other, never
with those of another run. *Client µs* and *PostgreSQL µs* are processor time an event; *others* is
how many cores the broker and everything else kept busy meanwhile, and rows in which it differs much
do not compare. *One worker is* and *all workers are* say how many times as fast ours is.

The worker commits with `synchronous_commit` off, since the log has it all; the peers with
PostgreSQL's default, on."""


def page(found: Found) -> str:
    """The page's text."""
    parts = [INTRODUCTION, *_machine(found)]
    for section in sections(found):
        parts += [f"## {section.title}", _wrapped(section.note), "\n".join(_table(section))]
    return "\n\n".join(parts) + "\n"


def _machine(found: Found) -> Iterator[str]:
    machine, given = found.machine, found.given
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    verdicts = ", ".join(f"{count:,} {name}" for name, count in given.verdicts.items())
    yield "## This run"
    rows = {
        "when": f"{machine.measured_at}, {machine.seconds / 60:.0f} minutes",
        "machine": f"{machine.system}, {machine.cores} cores, {machine.memory_gb:.0f} GB; load "
        f"{machine.load_before:.1f} before, {machine.load_after:.1f} after",
        "versions": f"Python {machine.python}, {versions}",
        "events": f"{given.events:,} of {given.cases:,} cases in {given.partitions} partitions, "
        f"{given.value_bytes} bytes on average; {verdicts}",
        "left out": ", ".join(found.left_out) or "nothing",
    }
    yield "\n".join(
        ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows.items())]
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(section: Section) -> Iterator[str]:
    yield f"| | {' | '.join(section.columns)} |"
    yield "|---|" + "--:|" * len(section.columns)
    for row in section.rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        padded = cells + [""] * (1 + len(section.columns) - len(cells))
        yield f"| {' | '.join(padded)} |"
