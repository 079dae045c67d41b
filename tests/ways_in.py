"""Five ways into a ledger, each as an agency's system uses it: SDK, HTTP, CSV, outbox, Java.

A way is told events in their JSON form, in their order, and returns when all are in the log. Any
number of stories may go one way at once.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count, groupby
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import httpx

from producers.files.mapping_file import read_mapping
from runut import Producer
from runut.json_form import from_json
from tests.acceptance.running import Running
from tests.builders import ROOT
from tests.java import run_java
from tests.outboxes import AgencyDatabase, Row, insert, session

Told = dict[str, Any]
"""An event in its JSON form, with its id."""

MAPPING: Final = ROOT / "tests" / "fixtures" / "five_ways.toml"


class Way(Protocol):
    """How events get into the ledger."""

    async def tell(self, events: Sequence[Told]) -> None:
        """Returns when all are in the log, those of each subject in this order."""


class BySdk:
    """A Python program with the keys of its agencies."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def tell(self, events: Sequence[Told]) -> None:
        for one in events:
            await self._producer.emit_event(from_json(one))


class ByHttp:
    """Systems that post one event at a time, each with its agency's token.

    What they are warned of they say all the same.
    """

    def __init__(self, client: httpx.AsyncClient, tokens: Mapping[str, str]) -> None:
        self.warned: dict[str, list[str]] = {}
        """The codes of each event that would be irregular, by its id."""
        self._client = client
        self._tokens = tokens

    async def tell(self, events: Sequence[Told]) -> None:
        for one in events:
            answer = await self._post(one, force="false")
            if answer.status_code == httpx.codes.CONFLICT:
                self.warned[one["event_id"]] = answer.json()["codes"]
                answer = await self._post(one, force="true")
            assert answer.status_code == httpx.codes.CREATED, answer.text

    async def _post(self, event: Told, *, force: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[event['agency']]}"}
        return await self._client.post(
            "/api/v1/events", json=event, headers=headers, params={"force": force}
        )


class ByCsv:
    """An office that keeps a table and imports it."""

    def __init__(self, ledger: Running, folder: Path) -> None:
        self._ledger = ledger
        self._files = (folder / f"{n}.csv" for n in count())
        self._columns = read_mapping(MAPPING).columns()

    async def tell(self, events: Sequence[Told]) -> None:
        file = next(self._files)
        with file.open("w", newline="") as table:
            writer = csv.DictWriter(table, self._columns, delimiter=";")
            writer.writeheader()
            writer.writerows(map(_cells, events))
        how = ("--format", "csv", "--mapping", str(MAPPING))
        report = await asyncio.to_thread(self._ledger.ask, "import", str(file), *how)
        assert (report["published"], report["bad"]) == (len(events), 0), report


class ByOutbox:
    """A system of each agency that commits rows in a database of its own; relays are running."""

    def __init__(
        self,
        databases: Mapping[str, AgencyDatabase],
        projected: Callable[[Sequence[Told]], Awaitable[None]],
    ) -> None:
        self._databases = databases
        self._projected = projected

    async def tell(self, events: Sequence[Told]) -> None:
        for agency, some in groupby(events, lambda one: one["agency"]):
            seen = list(some)
            async with session(self._databases[agency].app) as app, app.transaction():
                await insert(app, *map(_row, seen))
            await self._projected(seen)  # whoever goes on from there has seen it


class ByJava:
    """The example of the how-to page."""

    def __init__(self, folder: Path, class_path: str, configuration: Path) -> None:
        self._folder = folder
        self._arguments = (class_path, "example.EmitLines", configuration)
        self._files = (folder / f"{n}.jsonl" for n in count())

    async def tell(self, events: Sequence[Told]) -> None:
        file = next(self._files)
        file.write_text("\n".join(map(json.dumps, events)))
        out = await run_java(self._folder, *self._arguments, file)
        assert out == f"{len(events)} events are recorded\n"


def _row(event: Told) -> Row:
    return Row(
        event["subject"],
        type=event["type"],
        payload=event["data"],
        meta={"channel": event["channel"]} if "channel" in event else {},
        occurred_at=event["occurred_at"],
        row_id=UUID(event["event_id"]),
    )


def _cells(event: Told) -> dict[str, str]:
    """An event's row; what it says that has no column makes the writer fail."""
    occurred_at = datetime.fromisoformat(event["occurred_at"])
    return {
        "Kegiatan": event["type"],
        "Nomor": event["event_id"],
        "Instansi": event["agency"],
        "Perihal": event["subject"],
        "Tanggal": f"{occurred_at:%d/%m/%Y}",
        "Pukul (WIB)": f"{occurred_at:%H.%M}",
        "channel": event.get("channel", ""),
        **dict(_leaves("", event["data"])),
    }


def _leaves(prefix: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(f"{prefix}{name}.", value)
        elif not isinstance(value, list):
            yield prefix + name, str(value)
        elif not any(isinstance(item, dict) for item in value):  # else the mapping says it
            yield prefix + name, ",".join(value)
