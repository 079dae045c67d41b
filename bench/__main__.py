"""`python -m bench`: one run, one table. Absolute numbers are the machine's; compare ratios."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from bench import growth
from bench.found import Found
from bench.page import page
from bench.plan import PARTS, Plan
from bench.run import run
from bench.table import console, show
from runut.errors import RunutError

STOPPED = 128 + signal.SIGTERM
GROWTH = {"none": (), "small": growth.SMALL, "full": growth.FULL}


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
    asked = parser().parse_args(arguments)
    try:
        found = asyncio.run(_run(plan_of(asked)))
    except asyncio.CancelledError:
        return STOPPED
    except RunutError as error:
        console(stderr=True).print(str(error))
        return 1
    show(found)
    if asked.json:
        asked.json.write_bytes(found.to_json())
    if asked.write:
        asked.write.write_text(page(found))
    return 0


def plan_of(asked: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    grown = tuple(asked.sizes) or GROWTH[asked.growth]
    return Plan(
        events=asked.events,
        cases=asked.cases,
        peer_events=asked.peer_events,
        slow_events=asked.slow_events,
        seconds=asked.seconds,
        open_commitments=asked.open_commitments,
        proof_leaves=asked.proof_leaves,
        http_events=asked.http_events,
        page_cases=asked.page_cases,
        listeners=asked.listeners,
        growth=grown,
        without=frozenset(asked.without),
    )


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    found = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    usual = Plan()
    sizes = {
        "events": (usual.events, "how many in all"),
        "cases": (usual.cases, "that they are about"),
        "peer-events": (usual.peer_events, "at most for Connect, Quix Streams and Faust"),
        "slow-events": (usual.slow_events, "at most for those that write one by one"),
        "seconds": (usual.seconds, "of each latency, of reads and of reading pages"),
        "open-commitments": (usual.open_commitments, "that a deadline tick has to pass over"),
        "proof-leaves": (usual.proof_leaves, "of the tree that proofs are from"),
        "http-events": (usual.http_events, "that come by HTTP, one by one and in batches"),
        "page-cases": (usual.page_cases, "of the sample world whose pages are read"),
        "listeners": (usual.listeners, "that wait for news of it"),
    }
    for name, (default, what) in sizes.items():
        found.add_argument(f"--{name}", type=_positive, default=default, help=f"{what}; {default}")
    found.add_argument(
        "--without",
        type=_parts,
        default=(),
        metavar="PART,…",
        help=f"leave parts out: {', '.join(PARTS)}",
    )
    found.add_argument(
        "--growth", choices=GROWTH, default="small", help="ledgers of growing sizes; small"
    )
    found.add_argument(
        "--sizes",
        type=_sizes,
        default=(),
        metavar="EVENTS:CASES,…",
        help="other sizes of such ledgers",
    )
    found.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    found.add_argument("--write", type=Path, metavar="FILE", help="write a page of them there")
    return found


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text}")
    return number


def _parts(text: str) -> list[str]:
    found = text.split(",")
    if unknown := sorted(set(found) - set(PARTS)):
        raise argparse.ArgumentTypeError(
            f"expected some of {', '.join(PARTS)}, found {', '.join(unknown)}"
        )
    return found


def _sizes(text: str) -> list[tuple[int, int]]:
    pairs = [one.partition(":") for one in text.split(",")]
    return [(_positive(events), _positive(cases)) for events, _, cases in pairs]


if __name__ == "__main__":
    raise SystemExit(main())
