"""The one table that a run prints."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table

from bench.end_to_end import RATE, Latency
from bench.http import Http
from bench.measured import Measured
from bench.run import Found

WIDTH: Final = 144
MILLION: Final = 1e6
QUANTILES: Final = ("p50 ms", "p95 ms", "p99 ms", "max ms")

ROWS: Final = (
    ("End to end: Kafka to state and history", ("ours", "ours_alone", "ours_sealed", "rebuild")),
    ("Sealing and verifying", ("sealing", "verify", "ed25519")),
    ("Consumers that others would write", ("batching", "one_by_one")),
    (
        "What the parts allow",
        (
            "getmany",
            "fastavro_longs",
            "fastavro_times",
            "our_decoder",
            "copy_bytes",
            "copy_rows",
        ),
    ),
    ("Sending", ("produce",)),
)
NAMES: Final = {
    "ours": "runut worker, a process a core: rules, signatures",
    "ours_alone": "the same in one process",
    "ours_sealed": "the same, a process a core, and runut sealer",
    "rebuild": "runut rebuild, a process a core: to the swap",
    "sealing": "runut sealer alone: trees, signatures checked",
    "verify": "runut verify --full, a process a core",
    "ed25519": "bare Ed25519, a verification a record",
    "batching": "by hand: getmany, executemany, a commit a batch",
    "one_by_one": "usual: an INSERT, an UPSERT, a commit each",
    "getmany": "aiokafka getmany alone",
    "fastavro_longs": "fastavro alone, timestamps as longs",
    "fastavro_times": "fastavro alone, logical types",
    "our_decoder": "our decoder alone",
    "copy_bytes": "COPY BINARY of the history rows, ready bytes",
    "copy_rows": "COPY BINARY of the history rows, psycopg",
    "produce": "Producer.send: encode, sign, acks=all",
}


def console(*, stderr: bool = False) -> Console:
    """As wide as the table where nobody looks."""
    found = Console(stderr=stderr, log_path=False)
    return found if found.is_terminal else Console(stderr=stderr, width=WIDTH, log_path=False)


def show(found: Found) -> None:
    """Print it."""
    table = Table(title="Runut, measured", caption=_caption(found), caption_justify="left")
    table.add_column("", no_wrap=True)
    for name in ("events", "events/s", "client CPU", "PostgreSQL CPU", "others, cores", "ours is"):
        table.add_column(name, justify="right", no_wrap=True)
    for heading, names in ROWS:
        table.add_row(f"[bold]{heading}")
        for name in names:
            table.add_row(f"  {NAMES[name]}", *_cells(found, name))
        table.add_section()
    if found.http:
        _add_http(table, found.http)
    table.add_row(f"[bold]Latency at {RATE} events/s", "", *(f"[bold]{n}" for n in QUANTILES))
    table.add_row("  send → receipt", *_latency(found.latencies.acknowledged))
    table.add_row("  send → visible in PostgreSQL", *_latency(found.latencies.visible))
    passed_over = f"{found.open_commitments:,} open commitments, none due"
    table.add_row("[bold]A tick of the deadlines", "", *(f"[bold]{n}" for n in QUANTILES))
    table.add_row(f"  {passed_over}", *_latency(found.deadline_tick))
    table.add_row("[bold]Proof of a record", "", *(f"[bold]{n}" for n in QUANTILES))
    table.add_row(f"  anywhere in a tree of {found.proof_leaves:,}", *_latency(found.proof))
    console().print(table)


def _add_http(table: Table, http: Http) -> None:
    for heading, kind in (("One event a request", http.single), ("Batches", http.batch)):
        table.add_row(f"[bold]HTTP: {heading.lower()}")
        ours, minimal = kind["ours"], kind["minimal"]
        table.add_row("  runut web: checked, verdict, signed, receipt", *_figures(ours, ""))
        beside = f"{http.ratio(kind):.2f} ×"
        table.add_row("  FastAPI that hands the same bytes to Kafka", *_figures(minimal, beside))
    table.add_row("[bold]HTTP: latency of one event", "", *(f"[bold]{n}" for n in QUANTILES))
    table.add_row("  runut web", *_latency(http.latency["ours"]))
    table.add_row(
        "  FastAPI that hands the same bytes to Kafka", *_latency(http.latency["minimal"])
    )
    table.add_section()


def _cells(found: Found, name: str) -> tuple[str, ...]:
    ratio = (
        ""
        if name in {"ours", "produce", "sealing", "verify", "ed25519"}
        else f"{found.ratio(name):.2f} ×"
    )
    return _figures(found.measured[name], ratio)


def _figures(one: Measured, ratio: str) -> tuple[str, ...]:
    return (
        f"{one.events:,}",
        f"{one.per_second:,.0f}",
        _cpu(one, one.client_cpu_s),
        _cpu(one, one.postgres_cpu_s) if one.postgres_cpu_s else "",
        f"{one.others_cores:.1f}",
        ratio,
    )


def _cpu(one: Measured, seconds: float) -> str:
    return f"{seconds:.2f} s, {seconds / one.events * MILLION:.0f} µs"


def _latency(one: Latency) -> tuple[str, ...]:
    return f"{one.events:,}", *(f"{ms:.1f}" for ms in (one.p50, one.p95, one.p99, one.max))


def _caption(found: Found) -> str:
    machine, given = found.machine, found.given
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    verdicts = ", ".join(f"{count:,} {name}" for name, count in given.verdicts.items())
    return (
        f"{machine.cores} cores shared with broker, database and whatever else ran (load "
        f"{machine.load_before:.1f} before, {machine.load_after:.1f} after); Python "
        f"{machine.python}; {versions}.\n"
        f"{given.events:,} events of {given.cases:,} cases in {given.partitions} partitions, "
        f"{given.value_bytes} bytes on average, a fifth of the cases open at a time; {verdicts}.\n"
        "Every consumer is one process but ours in the first row. "
        "Others, cores: what the broker and strangers used meanwhile; rows with unlike figures do "
        "not compare. The worker commits with synchronous_commit off (the log has it all), the "
        "others with PostgreSQL's default, on. PostgreSQL reads for COPY by psycopg, uncounted."
    )
