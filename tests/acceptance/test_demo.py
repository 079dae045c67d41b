"""The demonstration, as `make demo ARGS=--once` runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.acceptance.running import ANSWER_S, RUNUT, environment, processes_of

CASE = "case/BP3MI-NTT-2025-0001"


def test_the_demonstration_plays_the_case_shows_the_outcome_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    data = tmp_path / "demonstration"
    done = subprocess.run(
        [*RUNUT, "up", "--demo", "--once", "--port", "0", "--data", str(data)],
        env=environment(LC_ALL="en_US.UTF-8"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * ANSWER_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("bp3mi-ntt", "kp2mi", "runut"):
        assert name in done.stdout.partition("CaseReported")[0], "an agency's own process"
    for said in ("TransferAccepted", "CommitmentBreached", "FulfilmentReviewed", "CaseClosed"):
        assert said in done.stdout, "an action as it is projected"
    outcome = done.stdout.rpartition(CASE)[0]
    for shown in ("Status", "closed", "Custody", "Commitments", "Coordination history"):
        assert shown in outcome, "the state, custody, what is owed, and the history"
    assert f"--data {data} case {CASE} --as-of" in done.stdout, "where to look further"
    assert processes_of(data) == []
    assert not (data / "platform.json").exists()
