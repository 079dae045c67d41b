"""`make bench` runs, and what it compares does the same work. No figure decides anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.acceptance.running import environment
from tests.builders import ROOT

EVENTS = 500


def test_a_small_run_measures_everything_and_its_consumers_write_the_same_rows(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bench.json"
    few = ("--events", str(EVENTS), "--cases", "20", "--latency-seconds", "1")
    few += ("--open-commitments", "5000", "--proof-leaves", "70000", "--http-events", "100")
    done = subprocess.run(
        [sys.executable, "-m", "bench", *few, "--json", str(file)],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(file.read_text())
    consumers = (
        "ours",
        "ours_alone",
        "ours_sealed",
        "rebuild",
        "batching",
        "one_by_one",
        "copy_bytes",
    )
    assert {name: found["measured"][name]["rows"] for name in consumers} == dict.fromkeys(
        consumers, EVENTS
    )
    assert sum(found["given"]["verdicts"].values()) == EVENTS
    assert found["given"]["verdicts"]["EFFECTIVE"] > 0.9 * EVENTS
    assert found["deadline_tick"]["events"] > 0
    assert found["proof"]["events"] > 0
    assert found["http"]["single"]["ours"]["events"] == 100
    assert found["http"]["batch"]["ours"]["events"] == found["http"]["batch"]["minimal"]["events"]
    assert "ours is" in done.stdout
    assert "5,000 open commitments" in done.stdout
    assert [path for path in tmp_path.iterdir() if path != file] == []
