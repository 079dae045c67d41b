"""What a run found as rows of text: the same for the terminal and for the page.

Pure. Each section says what its rows mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bench.end_to_end import RUN_IN_S, Latency
from bench.found import Found
from bench.growth import cpu_us, verdict
from bench.http import LINES
from bench.measured import Measured
from bench.pages import RATE as PAGE_RATE
from bench.pages import READERS, Pages
from bench.reads import RATE
from bench.rebuilding import READS
from consumers.projector import MAX_RECORDS
from runut.adapters.kafka import MAX_FETCH_BYTES

MILLION: Final = 1e6
FETCHED_MB: Final = MAX_FETCH_BYTES / MILLION
FIGURES: Final = ("events", "events/s", "client µs", "PostgreSQL µs", "others, cores")
RATIOS: Final = ("one worker is", "all workers are")
QUANTILES: Final = ("events", "p50 ms", "p95 ms", "p99 ms", "max ms")

NAMES: Final = {
    "ours_alone": "runut worker, one process",
    "ours": "runut worker, a process a core",
    "ours_sealed": "the same beside runut sealer",
    "rebuild": "runut rebuild, a process a core",
    "rebuild_known": "the same, signatures verified before",
    "connect": "Kafka Connect, payload columns",
    "connect-meta": "Kafka Connect, meta columns only",
    "quix": "Quix Streams, PostgreSQL sink",
    "faust": "Faust agent",
    "eventsourcing": "eventsourcing, projection",
    "executemany": "by hand, executemany",
    "one-insert": "by hand, one INSERT an event",
    "sealing": "runut sealer alone",
    "verify": "runut verify --full, a process a core",
    "ed25519": "bare Ed25519",
    "getmany": "aiokafka getmany",
    "fastavro_longs": "fastavro, timestamps as longs",
    "fastavro_times": "fastavro, logical types",
    "our_decoder": "our decoder",
    "copy_bytes": "COPY BINARY, ready bytes",
    "copy_rows": "COPY BINARY, psycopg",
    "produce": "Producer.send, filling the ledger",
    "signed": "the same events signed, in turns",
    "unsigned": "the same events unsigned",
}


class Section(NamedTuple):
    """Rows that belong together."""

    title: str
    columns: tuple[str, ...]
    """But for the first, which names the row."""
    rows: Sequence[tuple[str, ...]]
    note: str


class _Speeds(NamedTuple):
    title: str
    names: tuple[str, ...]
    note: str
    is_compared: bool
    """Whether ours did the same work, or more."""


OURS: Final = _Speeds(
    "From Kafka to state and history: ours",
    ("ours_alone", "ours", "ours_sealed", "rebuild", "rebuild_known"),
    "From empty read models to the last event, with every rule of the protocol, history, state "
    "and positions. A first catch-up: every batch signature is verified. A worker never takes over "
    "verdicts from before, so a later catch-up into empty models costs the same. Measured before "
    "the peers and, unless `again` is left out, once more after them, both together; several "
    "workers from when each has its partitions, without what was projected until then. A rebuild "
    "counts from the call to the swap, with indexes and the comparison with the old models; the "
    "second takes over which signatures a sealer found to hold.",
    is_compared=True,
)
PEERS: Final = _Speeds(
    "From Kafka to PostgreSQL: peers",
    ("connect", "connect-meta", "quix", "faust", "eventsourcing", "executemany", "one-insert"),
    "None of them knows a rule or checks a signature. Connect has two tasks and 900 MB, writes "
    "rows alone into a table with one index, and leaves out columns that are lists; what Java "
    "compiles meanwhile counts. Quix Streams writes history alone. The others write history and a "
    "last state, with the indexes of ours; each but Connect is one process. eventsourcing reads "
    "its own store of the same events, which was filled before. Slow ones get fewer events.",
    is_compared=True,
)
SEALING: Final = _Speeds(
    "Sealing and verifying",
    ("sealing", "verify", "ed25519"),
    "Growing all trees with signatures checked; verifying every leaf, signature, seal and map; and "
    "a verification a record by the library alone, where ours verifies once a batch.",
    is_compared=False,
)
LIMITS: Final = _Speeds(
    "What the parts allow",
    ("getmany", "fastavro_longs", "fastavro_times", "our_decoder", "copy_bytes", "copy_rows"),
    "One part of the way each, on the same events. PostgreSQL's reads for COPY by psycopg do not "
    "count.",
    is_compared=True,
)
SENDING: Final = _Speeds(
    "Sending",
    ("produce", "signed", "unsigned"),
    "From `send` to the last receipt: encoded, signed in batches, acknowledged by all replicas.",
    is_compared=False,
)


def sections(found: Found) -> list[Section]:
    """All that was measured."""
    speeds = [_speeds(found, one) for one in (OURS, PEERS, SEALING, LIMITS, SENDING)]
    others = [*_http(found), _latency(found), _disk(found), *_pages(found.pages), _growth(found)]
    return [one for one in (_aims(found), *speeds, *others) if one.rows]


def _speeds(found: Found, given: _Speeds) -> Section:
    rows: list[tuple[str, ...]] = []
    for name in given.names:
        if name in found.measured:
            ratios = _ratios(found, name) if given.is_compared else ()
            rows.append((NAMES[name], *_figures(found.measured[name]), *ratios))
        elif name in found.missing:
            rows.append((NAMES[name], f"not measured: {found.missing[name]}"))
    return Section(given.title, FIGURES + (RATIOS if given.is_compared else ()), rows, given.note)


def _ratios(found: Found, name: str) -> tuple[str, ...]:
    return tuple(
        _times(found.ratio(name, ours)) if name != ours else "" for ours in ("ours_alone", "ours")
    )


def _figures(one: Measured) -> tuple[str, ...]:
    return (
        f"{one.events:,}",
        f"{one.per_second:,.0f}",
        f"{one.client_cpu_s / one.events * MILLION:.1f}",
        f"{one.postgres_cpu_s / one.events * MILLION:.1f}" if one.postgres_cpu_s else "",
        f"{one.others_cores:.1f}",
    )


def _times(ratio: float | None) -> str:
    return f"{ratio:.2f} ×" if ratio is not None else ""


def _http(found: Found) -> list[Section]:
    if found.http is None:
        return []
    rows = []
    for what, kind in (("one event a request", found.http.single), ("batches", found.http.batch)):
        beside = f"ours is {found.http.ratio(kind):.2f} ×"
        rows.append((f"runut web, {what}", *_figures(kind["ours"])))
        rows.append((f"minimal app, {what}", *_figures(kind["minimal"]), beside))
    note = (
        "Ours checks the caller, the event and its verdict, signs it and gives a receipt; the "
        "minimal FastAPI app hands the same bytes to Kafka and does nothing else."
    )
    return [Section("Events over HTTP", (*FIGURES, "beside"), rows, note)]


def _latency(found: Found) -> Section:
    rows: list[tuple[str, ...]] = []
    for rate, both in found.latencies.items():
        rows.append((f"send to receipt, {rate:,}/s", *_quantiles(both.acknowledged)))
        rows.append((f"send to visible, {rate:,}/s", *_quantiles(both.visible)))
        rows.append((f"the same, {rate:,}/s, the first {RUN_IN_S} s", *_quantiles(both.run_in)))
        rows.append((f"asleep meanwhile, {rate:,}/s", *_quantiles(both.asleep)))
    if found.reads:
        rows.append((f"read a state over HTTP, {RATE}/s", *_quantiles(found.reads.api)))
        rows.append((f"the same by a bare SELECT, {RATE}/s", *_quantiles(found.reads.select)))
    if found.beside_rebuild:
        beside = f"during rebuild and swap, {READS}/s, {found.beside_rebuild.failed} failed"
        rows.append((f"read a state over HTTP {beside}", *_quantiles(found.beside_rebuild.reads)))
    if found.http:
        rows.append(("POST one event, runut web", *_quantiles(found.http.latency["ours"])))
        rows.append(("POST one event, minimal app", *_quantiles(found.http.latency["minimal"])))
        of_a_line = f"a line's result in a batch of {LINES:,}"
        rows.append((f"{of_a_line}, runut web", *_quantiles(found.http.batch_latency["ours"])))
        rows.append((f"{of_a_line}, minimal app", *_quantiles(found.http.batch_latency["minimal"])))
    if found.deadline_tick:
        name = f"deadline tick, {found.open_commitments:,} open"
        rows.append((name, *_quantiles(found.deadline_tick)))
    if found.proof:
        rows.append((f"proof, a tree of {found.proof_leaves:,}", *_quantiles(found.proof)))
    note = (
        "At an even pace, each from the moment at which it was due. Visible: its rows are "
        "committed, by PostgreSQL's own account. The client shares the cores. What a sender and a "
        f"worker need in their first {RUN_IN_S} seconds stands apart. Asleep: how late a "
        "process beside them wakes that does nothing but sleep, which is what the machine adds. "
        "States are read over HTTP and by SELECT two seconds each, in turns: neither is asked "
        "meanwhile. A tick finds nothing due. What was written before is on disk when events "
        "are sent at a pace, and when reads begin."
    )
    return Section("Latency", QUANTILES, rows, note)


def _quantiles(one: Latency) -> tuple[str, ...]:
    return f"{one.events:,}", *(f"{ms:.1f}" for ms in (one.p50, one.p95, one.p99, one.max))


def _disk(found: Found) -> Section:
    one = found.disk
    parts = {
        "Kafka's log, one replica": one.log,
        "history, rows": one.history,
        "history, indexes": one.history_indexes,
        "all other tables": one.others,
        "together": one.log + one.models,
    }
    rows = [
        (name, f"{one.events:,}", f"{size / 1e6:,.1f}", f"{size / one.events:,.0f}")
        for name, size in parts.items()
    ]
    note = "Signatures and markers are in the log; history keeps the Avro body and its JSON."
    return Section("Disk", ("events", "MB", "bytes an event"), rows, note)


def _pages(pages: Pages | None) -> list[Section]:
    if pages is None:
        return []
    rows = [
        (
            path,
            *_quantiles(one.latency),
            f"{one.web_ms:.1f}",
            f"{one.postgres_ms:.1f}",
            f"{one.kilobytes:.0f}",
        )
        for path, one in pages.pages.items()
    ]
    columns = (*QUANTILES, "web CPU ms", "PostgreSQL CPU ms", "kB")
    note = (
        f"A sample world of {pages.cases:,} cases. {READERS} readers, half of them auditors, ask "
        f"for a page a second each while {PAGE_RATE} events a second come in: from when a page was "
        f"due. CPU is a page's, asked for alone. Told to come again: {pages.refused:,} times."
    )
    one = pages.listening
    heard = (f"{one.listeners:,} listeners", *_quantiles(one.update))
    listening = Section(
        "Live updates",
        (*QUANTILES, "web MB before", "web MB with them"),
        [(*heard, f"{one.megabytes:.0f}", f"{one.megabytes_with:.0f}")],
        "From sending an event to each listener's hearing of it; all of them listen to everything.",
    )
    return [Section("Pages", columns, rows, note), listening]


def _growth(found: Found) -> Section:
    rows = [
        (
            f"{one.events:,} events, {one.cases:,} cases",
            f"{one.caught_up.seconds:.1f}",
            f"{one.caught_up.per_second:,.0f}",
            f"{cpu_us(one.caught_up):.1f}",
            f"{cpu_us(one.beside):.1f}",
            f"{one.caught_up.memory_mb or 0:,.0f}",
            f"{one.disk_bytes:,.0f}",
            verdict(found.growth, one),
        )
        for one in found.growth
    ]
    columns = (
        *("seconds", "events/s", "CPU µs", "beside it", "worker MB", "disk bytes"),
        "cost of an event",
    )
    note = (
        "A ledger each, caught up with by one worker. CPU and disk are an event's. The worker's "
        f"memory is the most it held: bounded by what it fetches ({FETCHED_MB:.0f} MB a partition) "
        f"and by two batches of {MAX_RECORDS:,} records with the states that they touch, one "
        "folded while the other is written, and by states kept for what comes, a million entries "
        "at most; not by the ledger. What an event costs is told beside the smallest ledger of "
        "several cases, which is caught up with anew before and after each of them: *beside it* "
        "is its CPU."
    )
    return Section("Cost of growth", columns, rows, note)


class _Aim(NamedTuple):
    what: str
    wanted: float
    found: float | None
    at_most: bool = False
    unit: str = ""


def _aims(found: Found) -> Section:
    rows = []
    for aim in _all_aims(found):
        if aim.found is not None:
            is_reached = aim.found <= aim.wanted if aim.at_most else aim.found >= aim.wanted
            bound = "at most" if aim.at_most else "at least"
            digits = 0 if aim.wanted >= 1_000 else 2
            rows.append(
                (
                    aim.what,
                    f"{bound} {aim.wanted:,.{digits}f}{aim.unit}",
                    f"{aim.found:,.{digits}f}{aim.unit}",
                    "yes" if is_reached else "no",
                )
            )
    note = (
        "Rates are for two shared cores with broker and PostgreSQL on them; on another machine, or "
        f"one that others use, the ratios tell. *Visible* leaves out the first {RUN_IN_S} seconds "
        "of each pace, which stand below under Latency."
    )
    return Section("Aims", ("wanted", "found", "reached"), rows, note)


def _all_aims(found: Found) -> list[_Aim]:
    rate = {name: one.per_second for name, one in found.measured.items()}
    visible = {rate: both.visible.p99 for rate, both in found.latencies.items()}
    signing = (
        (rate["unsigned"] / rate["signed"] - 1) * 100
        if {"signed", "unsigned"} <= set(rate)
        else None
    )
    rebuilt = found.ratio("ours", "rebuild")
    reads = found.reads.api.p99 if found.reads else None
    pages = found.pages
    slowest = max(one.latency.p99 for one in pages.pages.values()) if pages else None
    update = pages.listening.update.p99 if pages else None
    return [
        _Aim("one worker, events/s", 35_000, rate.get("ours_alone")),
        _Aim("one worker to executemany", 1.4, found.ratio("executemany", "ours_alone"), unit=" ×"),
        _Aim("a worker a core, events/s", 50_000, rate.get("ours")),
        _Aim("a worker a core to Connect, payload", 5, found.ratio("connect"), unit=" ×"),
        _Aim("a worker a core to Connect, meta", 1, found.ratio("connect-meta"), unit=" ×"),
        _Aim("rebuild to live catch-up", 1.5, rebuilt, unit=" ×"),
        _Aim("what signing adds", 10, signing, at_most=True, unit=" %"),
        _Aim("visible, p99 at 200/s", 15, visible.get(200), at_most=True, unit=" ms"),
        _Aim("visible, p99 at 2,000/s", 50, visible.get(2_000), at_most=True, unit=" ms"),
        _Aim("read of a state, p99", 5, reads, at_most=True, unit=" ms"),
        _Aim("slowest page, p99", 150, slowest, at_most=True, unit=" ms"),
        _Aim("live update, p99", 1_000, update, at_most=True, unit=" ms"),
    ]
