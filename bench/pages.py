"""Pages on a sample world: how long each takes while many read and events come in, and the cost.

On a platform of its own, so that the world is all that there is. First every page is asked for by
one reader, one after the other, to see what processor time it takes; then many readers go round
the pages, each asking for one a second, whether or not the last one was slow; then listeners wait
for news. The same process asks and sends events meanwhile: what it holds up counts as theirs.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench import stories
from bench.end_to_end import Latency, latency_of, until_claimed
from bench.ground import PARTITIONS, Ground, ground, workers
from bench.measured import cpu_s, cpu_with_children_s, unsearched, written_down
from bench.processes import free_port, running, serving
from bench.readers import Answer, Browser, audience, browsers
from projections.sessions import Sessions
from runut import Producer
from runut.access import Principal
from runut.adapters import postgres
from runut.event import AgencyCode
from runut.settings import Settings

READERS: Final = 50
RATE: Final = 100
"""Events a second that come in meanwhile."""
WARM_S: Final = 2
"""For which they read before it counts: fifty browsers connect, as they do once a day."""
ALONE: Final = 20
"""How often each page is asked for to see what it costs."""
NEWS: Final = 20
NEWS_S: Final = 0.5
"""Between two events that are waited for."""
HEARD_S: Final = 30.0
BEGIN_S: Final = 60.0
STREAM: Final = "/api/v1/stream"
AUDITOR: Final = Principal("bench", None, frozenset({"AUDITOR"}))
AGENCY: Final = AgencyCode("kp2mi")
READER: Final = Principal("bench-reader", AGENCY, frozenset({"READER"}))
QUIET: Final = {"RUNUT_LOG_LEVEL": "WARNING"}
EVENTS_A_CASE: Final = 30
SUBJECTS: Final = """
SELECT DISTINCT ON (kind) kind, subject
  FROM subject
 WHERE state IS NOT NULL AND kind <> 'agency'
   AND (kind IN ('agent', 'programme')
        OR EXISTS (SELECT FROM history
                    WHERE history.subject = subject.subject
                      AND agency = %(agency)s AND verdict = 'EFFECTIVE'))
 ORDER BY kind, events DESC, subject
"""


class Page(msgspec.Struct, frozen=True):
    """A page, by whoever reads it."""

    latency: Latency
    """While others read and events come in; from when it was due to be asked for."""
    web_ms: float
    """Of processor time of the web process, asked for alone."""
    postgres_ms: float
    kilobytes: float


class Listening(msgspec.Struct, frozen=True):
    """The stream, with many who listen to everything."""

    listeners: int
    update: Latency
    """From when an event was sent to when a listener heard of it; events come in meanwhile."""
    megabytes: float
    """Of memory that the web process has, before they came."""
    megabytes_with: float


class Pages(msgspec.Struct, frozen=True):
    """What was measured."""

    cases: int
    pages: dict[str, Page]
    refused: int
    """How often somebody was told to come again, for want of room."""
    listening: Listening


class Wanted(NamedTuple):
    """What to measure with."""

    cases: int
    seconds: int
    listeners: int


class _Site(NamedTuple):
    """The web process, and who reads there."""

    pid: int
    port: int
    postgres: int
    cookies: list[str]
    """Every other one an auditor's, else an agency's reader's."""


async def measure(wanted: Wanted, say: Callable[[str], None]) -> Pages:
    """Everything, on a platform of its own."""
    async with ground() as place, workers(place.settings, min(PARTITIONS, os.cpu_count() or 1)):
        await until_claimed(place.settings)
        say(f"pages: a sample world of {wanted.cases:,} cases")
        await _tell(place.settings, wanted.cases)
        await _settle(place.settings)
        return await measure_on(place, wanted, say)


async def measure_on(place: Ground, wanted: Wanted, say: Callable[[str], None]) -> Pages:
    """The same on a platform that has its world."""
    async with _site(place) as site:
        asked = await _addresses(place.settings)
        say(f"pages: {len(asked)} of them, one after the other")
        alone = await _alone(site, asked)
        say(f"pages: {READERS} readers, {RATE} events/s, {wanted.seconds} s")
        async with _going_on(place.settings, 0):
            took, refused = await _read(site, asked, wanted.seconds)
        say(f"pages: {wanted.listeners:,} listeners")
        listening = await _listen(place.settings, site, wanted.listeners)
    pages = {path: Page(latency_of(times), *alone[path]) for path, times in took.items()}
    return Pages(wanted.cases, pages, refused, listening)


async def _tell(settings: Settings, cases: int) -> None:
    """Fill the ledger with a world, and wait until it is projected."""
    log = settings.data / "world.log"
    program = ("-m", "cli.main", "demo", "--data", str(settings.data), "--world")
    async with running(log, {}, *program, "--cases", str(cases)) as process:
        if await process.wait():
            raise RuntimeError(log.read_text())


async def _settle(settings: Settings) -> None:
    """Do at once what autovacuum does within minutes, so that no page is asked for meanwhile."""
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        await connection.execute("VACUUM (ANALYZE)")
    await written_down()


@asynccontextmanager
async def _site(place: Ground) -> AsyncIterator[_Site]:
    settings, port = place.settings, free_port()
    async with postgres.Pool(settings, name="bench", size=1) as pool:
        sessions = Sessions(pool.lent, lambda: datetime.now(UTC))
        tokens = [await sessions.begin((AUDITOR, READER)[n % 2]) for n in range(READERS)]
    # The form's cookie as well: a browser has it from its first page on.
    cookies = [f"runut_session={token}; runut_form=bench; runut_lang=en" for token in tokens]
    program = ("-m", "cli.main", "web", "--data", str(settings.data), "--port", str(port))
    async with serving(settings.data / "web.log", QUIET, port, *program) as pid:
        yield _Site(pid, port, place.postgres, cookies)


async def _addresses(settings: Settings) -> list[str]:
    """Of every kind of page one; of subjects that with the longest history that all may see."""
    async with postgres.connected(settings, name="bench", autocommit=True) as connection:
        cursor = await connection.execute(SUBJECTS, {"agency": AGENCY})
        subjects = dict(await cursor.fetchall())
    folders = {"case": "cases", "meeting": "meetings", "agreement": "agreements"}
    folders |= {"agent": "agents", "programme": "programmes"}
    lists = [f"/{folder}" for folder in folders.values()]
    some = [f"/{folders[kind]}/{subjects[kind].partition('/')[2]}" for kind in sorted(subjects)]
    return [
        *("/", *lists, "/cases?open=1&overdue=1", "/commitments", "/transfers", "/letters"),
        *("/letters?text=upah", "/agencies", f"/agencies/{AGENCY}", "/network", "/audit"),
        *("/search?q=upah", *some),
    ]


async def _alone(site: _Site, asked: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Of each page what it costs the web process and PostgreSQL, in ms, and its size in kB."""
    found = {}
    with browsers(site.port, site.cookies[:2]) as some:
        for path in asked:
            for browser in some:  # what is kept of it is made
                answer = await _page(browser, path)
            web, database = cpu_s(site.pid), cpu_with_children_s(site.postgres)
            for n in range(ALONE):
                await _page(some[n % len(some)], path)
            spent = (cpu_s(site.pid) - web, cpu_with_children_s(site.postgres) - database)
            web_ms, postgres_ms = (seconds / ALONE * 1000 for seconds in spent)
            found[path] = (web_ms, postgres_ms, len(answer.body) / 1000)
    return found


async def _page(browser: Browser, path: str, *, may_refuse: bool = False) -> Answer:
    answer = await browser.get(path)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and may_refuse:
        return answer
    if answer.status != HTTPStatus.OK or b"<main" not in answer.body:
        raise RuntimeError(f"{path}: expected a page, found {answer.status} {answer.body[:500]!r}")
    return answer


async def _read(
    site: _Site, asked: Sequence[str], seconds: int
) -> tuple[dict[str, list[float]], int]:
    """Have all readers go round the pages; gives how long each took in ms, and how many did not.

    So many seconds count, after some that do not.
    """
    took: dict[str, list[float]] = {path: [] for path in asked}
    refused = 0

    async def reads(number: int, browser: Browser, begun: float) -> None:
        nonlocal refused
        for n in range(WARM_S + seconds):
            due, path = begun + number / READERS + n, asked[(number + n) % len(asked)]
            await asyncio.sleep(due - time.perf_counter())
            answer = await _page(browser, path, may_refuse=True)
            if n < WARM_S:
                continue
            if answer.status == HTTPStatus.OK:
                took[path].append((answer.ended_at - due) * 1000)
            else:
                refused += 1

    with browsers(site.port, site.cookies) as some, unsearched():
        async with asyncio.TaskGroup() as tasks:
            begun = time.perf_counter()
            for number, browser in enumerate(some):
                tasks.create_task(reads(number, browser, begun))
    return {path: times for path, times in took.items() if times}, refused


@asynccontextmanager
async def _going_on(settings: Settings, first: int) -> AsyncIterator[None]:
    """Have events of new cases, numbered from `first`, come in as long as the block runs."""
    began = asyncio.Event()

    async def send() -> None:
        told = stories.events(1_000_000, 1_000_000 // EVENTS_A_CASE, first=first)
        async with Producer(settings) as producer:
            begun = time.perf_counter()
            for number, event in enumerate(told):
                await asyncio.sleep(begun + number / RATE - time.perf_counter())
                await producer.send(event)
                began.set()

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(BEGIN_S):
            await began.wait()
        yield
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def _listen(settings: Settings, site: _Site, listeners: int) -> Listening:
    before = _megabytes(site.pid)
    heard_ms: list[float] = []
    first = 2_000_000 // EVENTS_A_CASE
    async with (
        audience(site.port, STREAM, site.cookies[0], listeners) as ears,
        _going_on(settings, 1_000_000 // EVENTS_A_CASE),
        Producer(settings) as producer,
    ):
        for _, event in zip(range(NEWS), stories.events(NEWS, 1, first=first), strict=False):
            await asyncio.sleep(NEWS_S)
            news = ears.hear_of(event.event_id)
            await producer.send(event)
            async with asyncio.timeout(HEARD_S):
                await news.by_all.wait()
            heard_ms += [(at - news.told_at) * 1000 for at in news.heard_at]
        after = _megabytes(site.pid)
    return Listening(listeners, latency_of(heard_ms), before, after)


def _megabytes(pid: int) -> float:
    """Memory of a process (proc_pid_status(5), VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) * 1024 / 1e6
