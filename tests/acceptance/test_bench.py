"""`make bench` runs, and what it compares does the same work. No figure decides anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.pages import NEWS
from tests.acceptance.running import environment
from tests.builders import ROOT

EVENTS = 500
RANDOM_BYTES = 64
"""Of an event on its way, which no compression takes away: nonce, a hash of its path, its id."""
# Peers that need another environment or sixty jars, and what other tests run as well.
LEFT_OUT = "connect,connect-meta,quix,eventsourcing,again,sealing,verify,growth"


def test_a_small_run_measures_everything_and_its_consumers_write_the_same_rows(
    tmp_path: Path,
) -> None:
    file, page = tmp_path / "bench.json", tmp_path / "performance.md"
    few = ("--events", str(EVENTS), "--cases", "20", "--seconds", "1", "--without", LEFT_OUT)
    few += ("--open-commitments", "5000", "--proof-leaves", "70000", "--http-events", "100")
    few += ("--page-cases", "6", "--listeners", "20")
    done = subprocess.run(
        [sys.executable, "-m", "bench", *few, "--json", str(file), "--write", str(page)],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    assert found["missing"] == {}
    consumers = ("ours", "ours_alone", "rebuild", "executemany", "one-insert", "copy_bytes")
    assert {name: found["measured"][name]["rows"] for name in consumers} == dict.fromkeys(
        consumers, EVENTS
    )
    assert found["measured"]["faust"]["rows"] == EVENTS
    assert found["measured"]["signed"]["events"] == EVENTS
    assert sum(found["given"]["verdicts"].values()) == EVENTS
    assert found["given"]["verdicts"]["EFFECTIVE"] > 0.9 * EVENTS
    assert found["disk"]["log"] > EVENTS * RANDOM_BYTES
    assert {"200", "2000"} == set(found["latencies"])
    assert found["latencies"]["200"]["run_in"]["events"] == 2 * 200
    assert found["latencies"]["200"]["visible"]["events"] > 0
    assert found["reads"]["api"]["events"] == found["reads"]["select"]["events"] > 0
    assert found["beside_rebuild"]["reads"]["events"] > 0
    assert found["beside_rebuild"]["failed"] == 0
    assert found["deadline_tick"]["events"] > 0
    assert found["proof"]["events"] > 0
    assert found["http"]["single"]["ours"]["events"] == 100
    assert found["http"]["batch"]["ours"]["events"] == found["http"]["batch"]["minimal"]["events"]
    pages = found["pages"]["pages"]
    assert {"/", "/cases", "/agencies/kp2mi", "/network"} <= set(pages)
    assert sum(one["latency"]["events"] for one in pages.values()) + found["pages"]["refused"] == 50
    assert found["pages"]["listening"]["update"]["events"] == 20 * NEWS
    assert "5,000 open" in done.stdout
    assert "## From Kafka to PostgreSQL: peers" in page.read_text()
    assert sorted(tmp_path.iterdir()) == [file, page]
