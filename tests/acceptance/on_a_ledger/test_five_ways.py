"""One story, told through five ways in at once: each copy comes out as it is worked out by hand.

Five copies of tests/scenarios/01-unpaid-wages, each on subjects and with event ids of its own, go
each another way, and a sixth goes all of them by turns. All are told at the same time. What the
story has the ledger itself say (a breach, an escalation) nobody else may say: that is emitted with
the ledger's own key between two parts of each copy.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import chain, cycle, groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from embedded import postgres
from runut import Producer
from runut.adapters.postgres import Connection, connected
from runut.event import SYSTEM
from runut.rfc3339 import format_time, parse_time
from runut.settings import Settings, load_settings
from tests.acceptance.many_commands import ask_many
from tests.acceptance.processes import started, until
from tests.acceptance.running import Running
from tests.builders import ROOT, SCENARIOS
from tests.integration.logs import Log, read_log
from tests.java import compile_java, fetch_java, run_java
from tests.outboxes import make_outbox
from tests.scenario_files import differences
from tests.ways_in import ByCsv, ByHttp, ByJava, ByOutbox, BySdk, Told, Way

pytestmark = pytest.mark.timeout(600)

STORY = "01-unpaid-wages"
NAMES = ("BP3MI-NTT-2025-0001", "P3MI-SENTOSA")
"""Of the story's two subjects."""
AGENCIES = ("bp3mi-ntt", "kp2mi")
WAYS = ("SDK", "HTTP", "CSV", "OUTBOX", "JAVA")
BY_TURNS = "TURNS"
COPIES = (*WAYS, BY_TURNS)
TURN = 4
"""Events that go one way before the next has its turn: few enough that each has one."""
SOURCES = ROOT / "docs" / "examples" / "java" / "src" / "main" / "java"
OF_ITS_PLACE = ("event_id", "recorded_at", "partition", "offset")
"""In which the same event of two copies differs."""


class Copy:
    """The story on subjects of its own, with what must be true of it at its end."""

    def __init__(self, name: str) -> None:
        self._mark = f"-BY-{name}"
        told = self._marked((SCENARIOS / f"{STORY}.jsonl").read_text())
        self.events: list[Told] = [json.loads(line) for line in told.splitlines()]
        for one in self.events:
            one["event_id"] = str(uuid5(NAMESPACE_URL, f"{one['event_id']}{self._mark}"))
        self.wanted = json.loads(self._marked((SCENARIOS / f"{STORY}.expected.json").read_text()))
        self.subjects = list(self.wanted["states"])

    def parts(self) -> Iterator[tuple[bool, list[Told]]]:
        """The story in turns of the agencies and of the ledger itself; True for the ledger's."""
        for is_own, some in groupby(self.events, lambda one: bool(one["agency"] == SYSTEM)):
            yield is_own, list(some)

    def history(self, subject: str) -> list[dict[str, Any]]:
        """What each line of the history has to say, beside the event's payload."""
        return [
            {
                "event_id": one["event_id"],
                "type": one["type"],
                "agency": one["agency"],
                "occurred_at": format_time(parse_time(one["occurred_at"])),
                "verdict": "IRREGULAR" if (codes := self.codes(one)) else "EFFECTIVE",
                "codes": codes,
                "signature": "VALID",
            }
            for one in self.events
            if one["subject"] == subject
        ]

    def codes(self, event: Told) -> list[str]:
        """For which an event is irregular; none for most."""
        about = [event["type"], event["agency"], format_time(parse_time(event["occurred_at"]))]
        irregular = self.wanted["irregular"][event["subject"]]
        return next((codes for *one, codes in irregular if one == about), [])

    def unmarked(self, document: Any) -> Any:
        """The same as of the story itself."""
        return json.loads(json.dumps(document).replace(self._mark, ""))

    def _marked(self, text: str) -> str:
        for name in NAMES:
            text = text.replace(name, name + self._mark)
        return text


class Outcome(NamedTuple):
    """What the ledger says when all has been told."""

    states: dict[str, Any]
    histories: dict[str, list[dict[str, Any]]]
    commitments: list[dict[str, Any]]
    log: Log
    warned: dict[str, list[str]]
    """The codes of which the callers of the HTTP interface were told beforehand, by event id."""


class Admitted(NamedTuple):
    """What those need who were let in."""

    ledger_id: str
    tokens: dict[str, str]
    """By agency."""


class Telling:
    """Tells copies, each part when what was before is projected."""

    def __init__(self, ways: dict[str, Way], by_ledger: Way, connection: Connection) -> None:
        self._ways = ways
        self._by_ledger = by_ledger
        self._connection = connection

    async def tell(self, name: str, copy: Copy) -> None:
        turns = cycle([self._ways[one] for one in (WAYS if name == BY_TURNS else (name,))])
        for is_own, events in copy.parts():
            at_once = TURN if name == BY_TURNS and not is_own else len(events)
            for start in range(0, len(events), at_once):
                way = self._by_ledger if is_own else next(turns)
                some = events[start : start + at_once]
                await way.tell(some)
                await projected(self._connection, some)


async def projected(connection: Connection, events: Sequence[Told]) -> None:
    """Wait until these are in the history."""
    ids = [one["event_id"] for one in events]

    async def are_there() -> bool:
        query = "SELECT count(DISTINCT event_id) FROM history WHERE event_id = ANY(%s::uuid[])"
        row = await (await connection.execute(query, (ids,))).fetchone()
        return row == (len(ids),)

    await until(are_there, f"{len(ids)} events to be projected, from {events[0]}")


async def outbox(
    stack: AsyncExitStack, ledger: Running, settings: Settings, connection: Connection
) -> ByOutbox:
    """Each agency's own database, and its relay."""
    password = postgres.open_passwords(ledger.data / "postgres").postgres
    port = urlsplit(settings.postgres_url or "").port or 0
    admin = postgres.url(port, password, postgres.OWNER)
    databases = {agency: await make_outbox(admin) for agency in AGENCIES}
    for agency, database in databases.items():
        relay = ("outbox", "relay", "--source", database.relay, "--agency", agency)
        await stack.enter_async_context(started(settings, *relay))
    return ByOutbox(databases, lambda events: projected(connection, events))


def admit(ledger: Running, keys: Path) -> Admitted:
    """Have keys published and credentials made, by which agencies may say what is irregular."""
    new = [("credentials", "new", one, "--role", "emitter", "--may-force") for one in AGENCIES]
    answers = ask_many(ledger, [("directory", "apply", str(keys)), ("ledger", "show"), *new])
    _, founding, *made = [one.document for one in answers]
    tokens = dict(zip(AGENCIES, (one["token"] for one in made), strict=True))
    return Admitted(founding["ledger_id"], tokens)


async def java_class_path(folder: Path) -> str:
    """Compile the example."""
    return await compile_java(folder, await asyncio.to_thread(fetch_java), SOURCES)


async def make_key(folder: Path, class_path: str) -> Path:
    """A key of the example's that both agencies use; gives the directory file that says so."""
    key = await run_java(folder, class_path, "example.MakeKey", AGENCIES[0], "java", "java.pem")
    keys = folder / "keys.toml"
    keys.write_text("".join(key.replace(AGENCIES[0], agency) for agency in AGENCIES))
    return keys


def configure_java(folder: Path, settings: Settings, ledger_id: str) -> Path:
    """The example's configuration for this ledger."""
    configuration = folder / "emit.properties"
    configuration.write_text(
        f"bootstrap.servers={settings.kafka_bootstrap}\n"
        "enable.idempotence=true\n"
        f"ledger.topic={settings.events_topic}\n"
        f"ledger.registry={(settings.registry_url or '').partition('/apis')[0]}\n"
        f"ledger.id={ledger_id}\n"
        "ledger.key.id=java\n"
        "ledger.key.file=java.pem\n"
    )
    return configuration


@pytest.fixture(scope="module")
def copies() -> dict[str, Copy]:
    return {name: Copy(name) for name in COPIES}


@pytest.fixture(scope="module")
async def outcome(
    ledger: Running, copies: dict[str, Copy], tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    """All copies told at the same time, and what became of them."""
    settings, folder = load_settings(ledger.data), tmp_path_factory.mktemp("ways")
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        connection = await opened(connected(settings, name="tests", autocommit=True))
        class_path = await java_class_path(folder)
        admitted = await asyncio.to_thread(admit, ledger, await make_key(folder, class_path))
        configuration = configure_java(folder, settings, admitted.ledger_id)
        client = await opened(httpx.AsyncClient(base_url=settings.web_url or "", timeout=60))
        by_sdk = BySdk(await opened(Producer(settings)))
        by_http = ByHttp(client, admitted.tokens)
        by_csv = ByCsv(ledger, folder)
        by_outbox = await outbox(stack, ledger, settings, connection)
        by_java = ByJava(folder, class_path, configuration)
        all_ways: tuple[Way, ...] = (by_sdk, by_http, by_csv, by_outbox, by_java)
        ways = dict(zip(WAYS, all_ways, strict=True))
        telling = Telling(ways, by_sdk, connection)
        async with asyncio.TaskGroup() as group:
            for name, copy in copies.items():
                group.create_task(telling.tell(name, copy))
        log = await read_log(settings)
    return await asyncio.to_thread(found_by_commands, ledger, copies, log, by_http.warned)


def found_by_commands(
    ledger: Running, copies: dict[str, Copy], log: Log, warned: dict[str, list[str]]
) -> Outcome:
    subjects = [subject for copy in copies.values() for subject in copy.subjects]
    questions = [(command, subject) for command in ("case", "history") for subject in subjects]
    *answers, commitments = ask_many(ledger, [*questions, ("commitments",)])
    documents = [one.document for one in answers]
    states = dict(zip(subjects, documents[: len(subjects)], strict=True))
    histories = dict(zip(subjects, documents[len(subjects) :], strict=True))
    return Outcome(states, histories, commitments.document, log, warned)


@pytest.mark.parametrize("name", COPIES)
def test_each_copy_ends_in_the_expected_state(
    copies: dict[str, Copy], outcome: Outcome, name: str
) -> None:
    for subject, wanted in copies[name].wanted["states"].items():
        assert differences(wanted, outcome.states[subject], subject) == []


@pytest.mark.parametrize("name", COPIES)
def test_commitments_of_each_copy_stand_as_is_expected(
    copies: dict[str, Copy], outcome: Outcome, name: str
) -> None:
    for subject, wanted in copies[name].wanted["commitments"].items():
        found = [one for one in outcome.commitments if one["subject"] == subject]
        by_id = {one["commitment_id"]: one for one in found}
        assert by_id.keys() == {one["commitment_id"] for one in wanted}
        for one in wanted:
            assert differences(one, by_id[one["commitment_id"]], subject) == []


@pytest.mark.parametrize("name", COPIES)
def test_each_history_has_every_event_once_in_order_signed_and_judged_as_expected(
    copies: dict[str, Copy], outcome: Outcome, name: str
) -> None:
    for subject in copies[name].subjects:
        wanted = copies[name].history(subject)
        found = [{key: one[key] for key in wanted[0]} for one in outcome.histories[subject]]
        assert found == wanted


def test_the_log_itself_holds_every_event_exactly_once(
    copies: dict[str, Copy], outcome: Outcome
) -> None:
    for copy in copies.values():
        for subject in copy.subjects:
            found = [one.event.event_id for one in outcome.log.on_subject(subject)]
            assert found == [one["event_id"] for one in copy.history(subject)]


def test_all_copies_say_the_same_to_the_last_field(
    copies: dict[str, Copy], outcome: Outcome
) -> None:
    def story(copy: Copy) -> list[dict[str, Any]]:
        lines = chain.from_iterable(outcome.histories[subject] for subject in copy.subjects)
        return [
            {key: value for key, value in copy.unmarked(line).items() if key not in OF_ITS_PLACE}
            for line in lines
        ]

    wanted = story(copies["SDK"])
    for name in COPIES:
        assert story(copies[name]) == wanted, name


def test_over_http_everyone_was_told_beforehand_what_would_be_irregular(
    copies: dict[str, Copy], outcome: Outcome
) -> None:
    copy = copies["HTTP"]
    wanted = {one["event_id"]: codes for one in copy.events if (codes := copy.codes(one))}
    ours = {one["event_id"] for one in copy.events}
    assert {key: codes for key, codes in outcome.warned.items() if key in ours} == wanted
    assert len(wanted) == 3
