"""`python -m bench`: one run, one table. Absolute numbers are the machine's; compare ratios."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from bench.deadlines import OPEN
from bench.run import Found, Plan, run
from bench.seals import LEAVES
from bench.table import console, show
from runut.errors import RunutError

STOPPED = 128 + signal.SIGTERM


async def _run(plan: Plan) -> Found:
    """Measure until done; SIGTERM ends everything that was started, as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(plan, say)


def say(word: str) -> None:
    """Tell what goes on."""
    console(stderr=True).log(word, style="dim")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; gives the exit code."""
    asked = _parser().parse_args(arguments)
    plan = Plan.of(
        asked.events,
        asked.cases,
        asked.one_by_one_events,
        asked.latency_seconds,
        asked.open_commitments,
        asked.proof_leaves,
        asked.http_events,
    )
    try:
        found = asyncio.run(_run(plan))
    except asyncio.CancelledError:
        return STOPPED
    except RunutError as error:
        console(stderr=True).print(str(error))
        return 1
    show(found)
    if asked.json:
        asked.json.write_bytes(found.to_json())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=_positive, default=300_000, help="how many in all")
    parser.add_argument("--cases", type=_positive, default=10_000, help="that they are about")
    parser.add_argument(
        "--one-by-one-events",
        type=_positive,
        default=20_000,
        help="how many the consumer with one INSERT and one UPSERT each gets, so that it ends",
    )
    parser.add_argument("--latency-seconds", type=_positive, default=30)
    parser.add_argument(
        "--open-commitments",
        type=_positive,
        default=OPEN,
        help="how many a deadline tick has to pass over",
    )
    parser.add_argument(
        "--proof-leaves", type=_positive, default=LEAVES, help="of the tree that proofs are from"
    )
    parser.add_argument(
        "--http-events",
        type=int,
        default=20_000,
        help="how many come by HTTP, one by one and in batches; 0 leaves them out",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text}")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
