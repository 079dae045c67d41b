"""What the benchmark tells peers, and what it makes of what they did. Nothing is measured here."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bench.__main__ import parser, plan_of
from bench.asleep import sleeper
from bench.connect import last_error
from bench.connect_programs import read_connect_lock
from bench.connect_settings import Shape, connector_properties, flattened, worker_properties
from bench.disk import Disk, log_bytes
from bench.end_to_end import Latencies, Latency
from bench.found import Events, Found, Machine
from bench.ground import Ground
from bench.growth import Grown, verdict
from bench.measured import Measured, NotMeasured
from bench.outsiders import Program, projected
from bench.page import page
from bench.plan import PEERS
from bench.reads import Reads
from bench.rebuilding import Beside
from bench.rows import COLUMNS, INSERT, Seen, written
from bench.sections import sections
from runut.settings import Settings


def machine() -> Machine:
    return Machine(
        measured_at="2026-01-02 03:04 UTC",
        system="Linux x86_64",
        cores=2,
        memory_gb=24.0,
        python="3.11.7",
        versions={"kafka": "4.3.1"},
        load_before=0.1,
        load_after=1.9,
        seconds=600.0,
    )


def measured(per_second: float, events: int = 1_000) -> Measured:
    return Measured(events, events / per_second, 0.01, 0.02, 0.5, events, 80.0)


LATENCY = Latency(100, 1.0, 2.0, 3.0, 4.0)


def found(**given: Measured) -> Found:
    return Found(
        machine=machine(),
        given=Events(1_000, 10, 8, 500, {"EFFECTIVE": 1_000}),
        measured=given,
        missing={"quix": "its environment is missing"},
        left_out=["http"],
        disk=Disk(1_000, 500_000, 400_000, 200_000, 100_000),
        latencies={200: Latencies(LATENCY, LATENCY, LATENCY, LATENCY)},
        reads=Reads(LATENCY, LATENCY),
        beside_rebuild=Beside(LATENCY, 2),
    )


def rows_of(found: Found, title: str) -> dict[str, tuple[str, ...]]:
    [section] = [one for one in sections(found) if one.title == title]
    return {name: tuple(cells) for name, *cells in section.rows}


def test_the_table_shows_how_many_times_as_fast_ours_is() -> None:
    given = found(ours_alone=measured(30_000), ours=measured(60_000), connect=measured(10_000))
    row = rows_of(given, "From Kafka to PostgreSQL: peers")["Kafka Connect, payload columns"]
    assert row[:2] == ("1,000", "10,000")
    assert row[-2:] == ("3.00 ×", "6.00 ×")


def test_reads_that_failed_during_a_rebuild_are_told_beside_how_long_they_took() -> None:
    rows = rows_of(found(), "Latency")
    name = "read a state over HTTP during rebuild and swap, 200/s, 2 failed"
    assert rows[name] == ("100", "1.0", "2.0", "3.0", "4.0")


def test_a_peer_that_could_not_be_measured_is_named_with_the_reason() -> None:
    rows = rows_of(found(), "From Kafka to PostgreSQL: peers")
    assert rows == {"Quix Streams, PostgreSQL sink": ("not measured: its environment is missing",)}


def test_aims_are_held_against_what_was_found_and_left_out_where_nothing_was() -> None:
    given = found(
        ours_alone=measured(36_000),
        executemany=measured(30_000),
        signed=measured(95),
        unsigned=measured(100),
    )
    aims = rows_of(given, "Aims")
    assert aims["one worker, events/s"] == ("at least 35,000", "36,000", "yes")
    assert aims["one worker to executemany"] == ("at least 1.40 ×", "1.20 ×", "no")
    assert aims["what signing adds"] == ("at most 10.00 %", "5.26 %", "yes")
    assert aims["visible, p99 at 200/s"] == ("at most 15.00 ms", "3.00 ms", "yes")
    assert "rebuild to live catch-up" not in aims


def test_the_page_is_the_same_for_the_same_findings_and_every_row_has_all_its_cells() -> None:
    given = found(ours=measured(60_000), ours_alone=measured(30_000))
    text = page(given)
    assert text == page(given)
    assert "2026-01-02 03:04 UTC" in text
    assert "kafka 4.3.1" in text
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, block


def grown(events: int, cases: int, cpu_s: float, log: int) -> Grown:
    caught_up = Measured(events, 1.0, cpu_s, 0.0)
    beside = Measured(100, 1.0, 0.6, 0.4)
    return Grown(events, cases, caught_up, Disk(events, log, 0, 0, 0), beside)


def test_an_event_that_costs_more_in_a_larger_ledger_is_told() -> None:
    small, same = grown(100, 10, 1.0, 1_000), grown(1_000, 10, 11.0, 10_000)
    worse, larger = grown(1_000, 10, 30.0, 10_000), grown(1_000, 10, 10.0, 15_000)
    all_of_them = [grown(10, 1, 0.01, 10), same, worse, larger, small]
    assert verdict(all_of_them, same) == "linear or better"
    assert verdict(all_of_them, worse) == "an event costs 3.0 times as much"
    assert verdict(all_of_them, larger) == "an event costs 1.5 times as much"


def test_columns_of_nested_records_are_named_as_connect_flattens_them() -> None:
    person = {"type": "record", "name": "Person", "fields": [{"name": "id", "type": "string"}]}
    schema = {
        "type": "record",
        "name": "Some",
        "fields": [
            {"name": "first", "type": ["null", person]},
            {"name": "second", "type": ["null", "Person"]},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A"]}},
            {"name": "again", "type": "Kind"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "on", "type": {"type": "int", "logicalType": "date"}},
            {"name": "many", "type": {"type": "array", "items": "string"}},
        ],
    }
    assert dict(flattened(schema)) == {
        "first_id": "string",
        "second_id": "string",
        "kind": "string",
        "again": "string",
        "at": "long",
        "on": "date",
        "many": "array",
    }


def test_connect_leaves_out_lists_and_columns_of_two_kinds_and_says_so_to_its_sink() -> None:
    whole, meta = Shape("full", meta_only=False), Shape("meta", meta_only=True)
    assert {"evidence", "attachments", "to"} <= set(whole.left_out)
    assert whole.columns.keys().isdisjoint(whole.left_out)
    assert whole.columns["meta_occurred_at"] == "bigint"
    dropped = whole.transforms()["transforms.drop.exclude"]
    assert dropped.split(",") == whole.left_out
    assert meta.left_out == []
    assert meta.columns["agency"] == "text"
    assert meta.transforms()["transforms"] == "meta,flat"


def test_connect_is_told_where_the_platform_answers() -> None:
    settings = Settings(
        kafka_bootstrap="127.0.0.1:9",
        registry_url="http://127.0.0.1:8/apis/ccompat/v7",
        postgres_url="postgresql://u:p@127.0.0.1:7/d",
        model_schema="m",
    )
    worker = worker_properties(settings, Path("/h"))
    sink = connector_properties(settings, Shape("meta", meta_only=True))
    assert worker["bootstrap.servers"] == "127.0.0.1:9"
    assert worker["value.converter.apicurio.registry.url"] == "http://127.0.0.1:8/apis/registry/v2"
    assert sink["connection.url"].startswith("jdbc:postgresql://127.0.0.1:7/d?")
    assert sink["connection.url"].endswith("currentSchema=m")
    assert (sink["connection.username"], sink["connection.password"]) == ("u", "p")


def test_files_of_connect_are_locked_by_hash() -> None:
    lock = read_connect_lock()
    files = (lock.plugin, *lock.runtime, *lock.converter)
    assert all(len(one.sha256) == 64 and one.size > 0 for one in files)
    assert any(one.name == "connect-runtime" for one in lock.runtime)


def test_a_batch_of_rows_counts_events_within_their_cases_and_keeps_last_states() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    some = [Seen(name, at, data, ("x",)) for name, data in (("a", "1"), ("b", "2"), ("a", "3"))]
    counts = Counter({"a": 5})
    rows = written(some, counts)
    assert [one[:2] for one in rows.history] == [("a", 6), ("b", 1), ("a", 7)]
    assert rows.states == [("a", 2, at, "3"), ("b", 1, at, "2")]


def test_the_statement_takes_as_many_values_as_there_are_columns() -> None:
    assert INSERT.count("%s") == len(COLUMNS)


def test_disk_of_a_topic_is_that_of_its_partitions_alone(tmp_path: Path) -> None:
    for name in ("runut.events-0", "runut.events-11", "runut.events-x", "runut.directory-0"):
        folder = tmp_path / "1" / "logs" / name
        folder.mkdir(parents=True)
        (folder / "0.log").write_bytes(b"x" * 8192)
    partitions = [one for one in tmp_path.rglob("0.log") if one.parent.name[-1].isdecimal()]
    of_events = [one for one in partitions if one.parent.name.startswith("runut.events")]
    assert len(of_events) == 2
    assert log_bytes(tmp_path, "runut.events") == sum(
        512 * one.stat().st_blocks for one in of_events
    )


def test_options_become_a_plan_and_unknown_parts_are_refused() -> None:
    asked = ["--events", "300", "--without", "connect,quix", "--sizes", "10:2,20:4"]
    plan = plan_of(parser().parse_args(asked)).fitting()
    assert (plan.events, plan.cases) == (300, 10)
    assert plan.growth == ((10, 2), (20, 4))
    assert [one for one in PEERS if plan.has(one)] == list(PEERS[1:2] + PEERS[3:])
    with pytest.raises(SystemExit):
        parser().parse_args(["--without", "conect"])


def test_results_are_one_document_of_json_with_ratios() -> None:
    given = found(ours=measured(60_000), executemany=measured(20_000))
    document = msgspec.json.decode(given.to_json())
    assert document["ours_times_as_fast_as"] == {"executemany": pytest.approx(3.0)}
    assert document["latencies"]["200"]["visible"]["p99"] == 3.0


async def test_a_process_that_only_sleeps_tells_how_late_it_woke() -> None:
    async with sleeper() as late_ms:
        assert late_ms == []
    assert late_ms


async def test_a_peer_whose_environment_is_missing_is_not_measured() -> None:
    nowhere = Program("quix", Path("/nonexistent/bin/python"))
    with pytest.raises(NotMeasured, match=r"make \.venv-bench/\.installed"):
        await projected(Ground(Settings(), 1, {}), nowhere, {}, 1)


def test_of_a_log_the_last_line_that_names_an_error_is_told(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("started\nKeyError: 'x'\n  at some place\n\n")
    assert last_error(log) == "KeyError: 'x'"
    log.write_text("")
    assert last_error(log) == "it said nothing"
