"""Events over HTTP: ours beside a minimal app that only hands bytes as many to Kafka.

Each is one process under uvicorn with uvloop and httptools, and both get the same load from this
process (`bench.http_load`), turn and turn about, so that what disturbs one disturbs the other:
single events on many connections, then batches of 10,000 lines one after the other. Nothing
projects meanwhile; the verdict in advance reads the cases that were projected before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

import msgspec
import orjson

from bench.end_to_end import Latency, latency_of
from bench.ground import Ground
from bench.http_load import load, request, stream
from bench.measured import Measured, Meter, together
from bench.processes import free_port, serving
from bench.reads import open_cases
from bench.stories import SENTENCES
from projections.credentials import Grant, issue
from runut.adapters.postgres import connected
from runut.directory_follower import DirectoryFollower
from runut.encoded import EncodedRecord
from runut.event_ids import new_event_id
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.outgoing import Envelope
from runut.settings import Settings

AGENCY: Final = "kp2mi"
CONNECTIONS: Final = 64
LINES: Final = 10_000
WARM: Final = 500
"""Requests before those that count."""
ROUNDS: Final = 5
SEED: Final = 20260101
RECORDS: Final = 512
"""Different records that the minimal app sends."""
SHARE: Final = 16
"""Events that share a signature in them, as they do in ours at such a load."""
SINGLE: Final = "/api/v1/events"
BATCH: Final = "/api/v1/events/batch"
LIMITLESS: Final = {"RUNUT_WEB_EVENTS_PER_S": "1e9", "RUNUT_LOG_LEVEL": "WARNING"}


class Http(msgspec.Struct, frozen=True):
    """What was measured, by `ours` and `minimal`."""

    single: dict[str, Measured]
    latency: dict[str, Latency]
    """Of single events, from the request to its answer."""
    batch: dict[str, Measured]
    batch_latency: dict[str, Latency]
    """Of a line in a batch, from the beginning of the request to its own result."""

    def ratio(self, kind: Mapping[str, Measured]) -> float:
        """Events a second that ours takes, to one of the minimal app."""
        return kind["ours"].per_second / kind["minimal"].per_second


class _Server(NamedTuple):
    """A process that takes events."""

    name: str
    pid: int
    port: int
    token: str = "-"


async def measure(ground: Ground, singles: int) -> Http:
    """So many events one by one, and as many in batches, to each of the two."""
    made = _Events(await open_cases(ground.settings))
    async with (
        _ours(ground.settings) as ours,
        _minimal(ground.settings, made) as minimal,
    ):
        servers = (minimal, ours)
        for server in servers:
            await _singles(server, made, WARM)
        single: dict[str, list[Measured]] = {server.name: [] for server in servers}
        batch: dict[str, list[Measured]] = {server.name: [] for server in servers}
        took_ms: dict[str, list[float]] = {server.name: [] for server in servers}
        lines_ms: dict[str, list[float]] = {server.name: [] for server in servers}
        for _ in range(ROUNDS):
            for server in servers:
                meter = Meter([server.pid], ground.postgres)
                took_ms[server.name] += await _singles(server, made, -(-singles // ROUNDS))
                single[server.name].append(meter.stop(-(-singles // ROUNDS)))
        for _ in range(-(-singles // LINES)):
            for server in servers:
                lines = b"\n".join(made.line() for _ in range(LINES))
                meter = Meter([server.pid], ground.postgres)
                lines_ms[server.name] += await _batch(server, lines)
                batch[server.name].append(meter.stop(LINES))
    return Http(
        {name: together(some) for name, some in single.items()},
        {name: latency_of(some) for name, some in took_ms.items()},
        {name: together(some) for name, some in batch.items()},
        {name: latency_of(some) for name, some in lines_ms.items()},
    )


async def _singles(server: _Server, made: _Events, count: int) -> list[float]:
    """Events one by one; gives how long each took, in milliseconds."""
    caller = (f"Authorization: Bearer {server.token}", "Content-Type: application/json")
    requests = [request(SINGLE, made.line(), *caller) for _ in range(count)]
    loaded = await load(server.port, requests, CONNECTIONS)
    _demand(loaded.statuses == {201: count}, server.name, loaded.statuses)
    return loaded.latencies_ms


async def _batch(server: _Server, lines: bytes) -> list[float]:
    """Events in one batch; gives when each line had its result, in milliseconds."""
    kind = ("Content-Type: application/x-ndjson", "Connection: close")
    caller = (f"Authorization: Bearer {server.token}", *kind)
    results = await stream(server.port, request(BATCH, lines, *caller), b'"offset":')
    _demand(len(results) == LINES, server.name, f"{len(results)} results")
    return results


class _Events:
    """Calls about cases that are there, each a new event."""

    def __init__(self, cases: Sequence[str]) -> None:
        self._cases = cases
        self._random = Random(SEED)

    def line(self) -> bytes:
        """The next one in its JSON form."""
        event_id = new_event_id()
        data = {
            "contact_id": event_id,
            "mode": "PHONE",
            "direction": "OUTGOING",
            "with": ["kbri-kl"],
            "summary": self._random.choice(SENTENCES),
        }
        about = {
            "type": "ContactLogged",
            "event_id": event_id,
            "subject": self._random.choice(self._cases),
            "agency": AGENCY,
            "occurred_at": "2025-12-20T10:00:00+07:00",
            "channel": "CALL",
        }
        return orjson.dumps({**about, "data": data})


async def _records(settings: Settings, made: _Events) -> bytes:
    """Signed records such as ours, for the minimal app."""
    async with DirectoryFollower(settings) as follower:
        envelope = Envelope.of(follower.log.latest)
    signer = KeyStore(settings.keys).get(AGENCY).signer()
    drafts = [envelope.draft(from_json(made.line())) for _ in range(RECORDS)]
    shares = [drafts[at : at + SHARE] for at in range(0, RECORDS, SHARE)]
    sealed = [one for share in shares for one in envelope.seal(share, signer)]
    return msgspec.json.encode(
        [EncodedRecord(key=o.key, value=o.value, headers=dict(o.headers)) for o in sealed]
    )


@asynccontextmanager
async def _ours(settings: Settings) -> AsyncIterator[_Server]:
    async with connected(settings, name="bench", autocommit=True) as connection:
        now = datetime.now(UTC)
        expires_at = now + timedelta(days=1)
        grant = Grant(
            AGENCY, "bench", frozenset({"EMITTER"}), may_force=False, expires_at=expires_at
        )
        token = await issue(connection, grant, "bench", now)
    port = free_port()
    given = LIMITLESS | {
        "RUNUT_MODEL_SCHEMA": settings.model_schema,
        "RUNUT_VIEWS_SCHEMA": settings.views_schema,
    }
    command = ("-m", "cli.main", "web", "--data", str(settings.data), "--port", str(port))
    async with serving(settings.data / "http.log", given, port, *command) as pid:
        yield _Server("ours", pid, port, token.text)


@asynccontextmanager
async def _minimal(settings: Settings, made: _Events) -> AsyncIterator[_Server]:
    file = settings.data / "bench-records.json"
    file.write_bytes(await _records(settings, made))
    port = free_port()
    given = {
        "BENCH_TOPIC": settings.events_topic,
        "BENCH_KAFKA": settings.kafka_bootstrap or "",
        "BENCH_RECORDS": str(file),
    }
    options = ("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log")
    command = ("-m", "uvicorn", "bench.http_peer:app", *options, "--log-level", "warning")
    async with serving(settings.data / "http.log", given, port, *command) as pid:
        yield _Server("minimal", pid, port)


def _demand(condition: bool, name: str, found: object) -> None:
    """Figures of a server that does not do its work are worth nothing."""
    if not condition:
        raise RuntimeError(f"{name}: expected every event to be taken, found {found}")
