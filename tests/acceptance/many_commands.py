"""Many commands in one process: what `runut` does for each, without loading it for each.

Starting Python with a command's libraries takes two seconds of a processor, answering a question a
tenth of one. This process takes a list of argument lists on standard input and gives, for each,
how `runut` ended and what it printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import Any, NamedTuple

from cli.main import run
from tests.acceptance.running import Running

DEADLINE_S = 240.0


class Answer(NamedTuple):
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed with --json."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def ask_many(ledger: Running, questions: Sequence[Sequence[str]]) -> list[Answer]:
    """Run commands with --json one after another, in one process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.many_commands"],
        env=dict(ledger.environment),
        input=json.dumps([[*question, "--json"] for question in questions]).encode(),
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [Answer(*one) for one in json.loads(done.stdout)]


def _one(arguments: Sequence[str]) -> Answer:
    sys.argv = ["runut", *arguments]
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
    return Answer(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


if __name__ == "__main__":
    print(json.dumps([_one(arguments) for arguments in json.load(sys.stdin)]))
