"""`runut status`: whether the parts answer, how far the projector is behind, what to look at.

Asks Kafka, the registry and PostgreSQL themselves and remembers nothing. Each part is asked on its
own, so that one that is down does not hide the others. Exit code 0 if all is well, 1 if a part does
not answer or nobody projects; warnings alone do not fail.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, TypeVar

import msgspec
import typer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, print_json, run
from cli.look import console, read_models
from cli.seal_status import checkpoint_status, seal_line, seal_warnings
from embedded.answering import answering
from embedded.registry import registry_answers
from projections import notice_outbox
from projections.health import Health, health
from projections.install import installed_version, model_version
from projections.reading import load_directory
from projections.seals.figures import SealFigures, seal_figures
from projections.waiting import is_claimed
from runut.adapters import kafka, postgres
from runut.errors import PlatformError, RunutError
from runut.rfc3339 import format_time
from runut.settings import PLATFORM_FILE, Settings, load_settings

T = TypeVar("T")

LAG_WORTH_A_WARNING_S: Final = 30.0
READ_TIMEOUT_S: Final = 5.0


class Part(msgspec.Struct, frozen=True):
    """A service: where it is, and what is wrong with it if something is."""

    name: str
    address: str | None
    release: str | None
    """Version, as `runut up` wrote it down; null for external services."""
    problem: str | None


class Model(msgspec.Struct, frozen=True):
    """What PostgreSQL says."""

    ledger: str | None
    figures: Health
    projecting: bool
    rebuild_due: bool
    """The tables are another release's."""
    notices: notice_outbox.Figures
    seals: SealFigures


class Lag(msgspec.Struct, frozen=True):
    """How far a partition is projected, beside its log."""

    partition: int
    projected: int
    """Offset of the next record to be projected."""
    end: int | None
    """Offset of the next record to be written; null where Kafka does not answer."""
    lag: int | None
    """Records that wait."""
    lag_s: float | None
    """How long ago the oldest of them was recorded, in seconds."""
    quarantined: int
    unacknowledged: int
    """Of these, what nobody took note of."""


def status(data: Data = None, as_json: Json = False) -> None:
    """Show the parts, their versions, the lag of each partition, what is overdue, and warnings.

    Exits with 1 if a part does not answer or nobody projects, so that scripts can ask.

    Example: runut status --json
    """
    settings = load_settings(data)
    found = run(gather(settings, datetime.now(UTC)))
    if as_json:
        print_json(found)
    else:
        console().print(_draw(found))
    raise typer.Exit(0 if found["ok"] else 1)


async def gather(settings: Settings, now: datetime) -> dict[str, Any]:
    """The document of `runut status --json`."""
    (ends, log_problem), (model, model_problem), registry_problem, web = await asyncio.gather(
        _attempt(_log_ends(settings)),
        _attempt(_model(settings, now)),
        _registry(settings),
        _web(settings),
    )
    lags = await _lags(settings, model, ends, now)
    releases = _releases(settings)
    parts = [
        Part("Kafka", settings.kafka_bootstrap, releases.get("kafka"), log_problem),
        Part("registry", settings.registry_url, releases.get("registry"), registry_problem),
        Part("PostgreSQL", _postgres(settings), releases.get("postgres"), model_problem),
        *web,
    ]
    projecting = model is not None and model.projecting
    figures = model.figures if model else None
    sealed = checkpoint_status(settings, model.seals, ends, now) if model else None
    return {
        "ok": projecting and not any(part.problem for part in parts),
        "at": format_time(now),
        "ledger": model.ledger if model else None,
        "version": version("runut"),
        "parts": [msgspec.to_builtins(part) for part in parts],
        "projecting": projecting,
        "partitions": [msgspec.to_builtins(lag) for lag in lags],
        "lag": sum(lag.lag or 0 for lag in lags) if ends is not None else None,
        "subjects": figures.subjects if figures else None,
        "events": figures.events if figures else None,
        "irregular": figures.irregular if figures else None,
        "quarantined": figures.quarantined if figures else None,
        "unacknowledged": figures.unacknowledged if figures else None,
        "owed": figures.owed if figures else None,
        "overdue": figures.overdue if figures else None,
        "last_recorded_at": _time(figures.last_recorded_at if figures else None),
        "notices": _notices(model.notices) if model else None,
        "checkpoint": sealed,
        "warnings": [*_warnings(parts, lags, model), *(seal_warnings(sealed) if sealed else ())],
    }


async def _attempt(asked: Coroutine[Any, Any, T]) -> tuple[T | None, str | None]:
    """What was asked for, or the sentence that says why not."""
    try:
        return await asked, None
    except RunutError as error:
        return None, str(error)


async def _registry(settings: Settings) -> str | None:
    if settings.registry_url is None:
        return "RUNUT_REGISTRY_URL: expected the registry's address, found nothing"
    why = await registry_answers(settings.registry_url)
    return f"the registry does not answer at {settings.registry_url} ({why})" if why else None


async def _web(settings: Settings) -> list[Part]:
    """The web service, where settings name one."""
    if settings.web_url is None:
        return []
    why = await answering(f"{settings.web_url}/healthz")
    problem = f"the web service does not answer at {settings.web_url} ({why})" if why else None
    return [Part("web", settings.web_url, version("runut"), problem)]


async def _model(settings: Settings, now: datetime) -> Model:
    async with read_models(settings) as connection:
        figures = await health(connection, now)
        ledger = (await load_directory(connection)).latest.ledger
        return Model(
            ledger=ledger.name if ledger else None,
            figures=figures,
            projecting=await is_claimed(connection, 1),
            rebuild_due=await installed_version(connection, settings.model_schema)
            != model_version(),
            notices=await notice_outbox.figures(connection, now),
            seals=await seal_figures(connection),
        )


async def _log_ends(settings: Settings) -> dict[int, int]:
    """The offset that each partition's next record will have."""
    places = [TopicPartition(settings.events_topic, one) for one in await _partitions(settings)]
    reader = kafka.consumer(settings)
    async with kafka.connected(settings, reader):
        reader.assign(places)
        ends = await kafka.end_offsets(settings, reader, places)
        return {place.partition: end for place, end in ends.items()}


async def _partitions(settings: Settings) -> list[int]:
    topic = settings.events_topic
    admin = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, admin):
        with kafka.translated(settings):
            # Of all topics: to ask for one that is not there may create it.
            described = {one["topic"]: one for one in await admin.describe_topics()}
    if topic not in described:
        raise PlatformError(
            f"topic {topic}: expected the ledger's in Kafka, found none; "
            "found a ledger with: runut ledger create"
        )
    return sorted(one["partition"] for one in described[topic]["partitions"])


async def _lags(
    settings: Settings, model: Model | None, ends: Mapping[int, int] | None, now: datetime
) -> list[Lag]:
    known = {one.partition: one for one in model.figures.partitions} if model else {}
    waiting = {
        partition: projected.next_offset
        for partition, projected in known.items()
        if ends is not None and projected.next_offset < ends.get(partition, 0)
    }
    oldest, _ = await _attempt(_recorded_at(settings, waiting)) if waiting else ({}, None)
    lags = []
    for partition in sorted(known.keys() | (ends or {}).keys()):
        projected = known.get(partition)
        next_offset = projected.next_offset if projected else 0
        end = ends.get(partition) if ends is not None else None
        recorded_at = (oldest or {}).get(partition)
        lags.append(
            Lag(
                partition=partition,
                projected=next_offset,
                end=end,
                lag=end - next_offset if end is not None else None,
                lag_s=(now - recorded_at).total_seconds() if recorded_at else None,
                quarantined=projected.quarantined if projected else 0,
                unacknowledged=projected.unacknowledged if projected else 0,
            )
        )
    return lags


async def _recorded_at(settings: Settings, offsets: Mapping[int, int]) -> dict[int, datetime]:
    """When the record at each partition's offset was recorded; what cannot be read is left out."""
    reader = kafka.consumer(settings)
    found: dict[int, datetime] = {}
    async with kafka.connected(settings, reader):
        places = {TopicPartition(settings.events_topic, p): at for p, at in offsets.items()}
        reader.assign(list(places))
        for place, offset in places.items():
            reader.seek(place, offset)
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                while left := [place for place in places if place.partition not in found]:
                    with kafka.translated(settings):
                        fetched = await reader.getmany(*left, timeout_ms=500, max_records=1)
                    for place, records in fetched.items():
                        found[place.partition] = _moment(records[0].timestamp_ms)
        except TimeoutError:
            return found
    return found


def _warnings(parts: list[Part], lags: list[Lag], model: Model | None) -> list[str]:
    found = [part.problem for part in parts if part.problem]
    if model is not None and not model.projecting:
        found.append("no worker projects: start one with runut up or runut worker")
    if model is not None and model.rebuild_due:
        found.append("the read models are another release's: have them made again: runut rebuild")
    if model is not None and model.notices.parked:
        found.append(
            f"{model.notices.parked} notices could not be delivered and are parked: "
            "runut notices list --state parked"
        )
    for lag in lags:
        found += [f"partition {lag.partition}: {sentence}" for sentence in _lag_warnings(lag)]
    return found


def _lag_warnings(lag: Lag) -> Iterator[str]:
    if lag.lag_s is not None and lag.lag_s > LAG_WORTH_A_WARNING_S:
        yield f"{lag.lag} records wait, the oldest for {lag.lag_s:.0f} s"
    if lag.lag is not None and lag.lag < 0:
        yield (
            f"projected up to {lag.projected}, but the log ends at {lag.end}: it is not the log "
            "that was read, or it lost its tail"
        )
    if lag.unacknowledged:
        yield (
            f"{lag.unacknowledged} records are no events and nobody took note of them: "
            "runut quarantine list"
        )


def _draw(found: dict[str, Any]) -> RenderableType:
    parts = Table(title=f"Ledger {found['ledger'] or '–'}", title_justify="left")
    for name in ("part", "version", "address", "answers"):
        parts.add_column(name, overflow="fold")
    for part in found["parts"]:
        answers = Text("no", style="red") if part["problem"] else Text("yes", style="green")
        parts.add_row(part["name"], part["release"] or "", part["address"] or "–", answers)
    lags = Table(title="Partitions", title_justify="left")
    for name in ("partition", "projected", "end", "lag", "lag (s)", "quarantined"):
        lags.add_column(name, justify="right", overflow="fold")
    for lag in found["partitions"]:
        seconds = "" if lag["lag_s"] is None else f"{lag['lag_s']:.1f}"
        end, behind = _shown(lag["end"]), _shown(lag["lag"])
        row = (lag["partition"], lag["projected"], end, behind, seconds, lag["quarantined"])
        lags.add_row(*map(str, row))
    names = ("subjects", "events", "irregular", "quarantined", "unacknowledged", "owed", "overdue")
    figures = ", ".join(f"{_shown(found[name])} {name}" for name in names)
    warnings = [Text(f"! {warning}", style="red") for warning in found["warnings"]]
    said = [Text(f"runut {found['version']}: {figures}"), *_notices_line(found["notices"])]
    if found["checkpoint"]:
        said.append(seal_line(found["checkpoint"]))
    return Group(parts, lags, *said, *warnings)


def _notices(found: notice_outbox.Figures) -> dict[str, Any]:
    return {**found._asdict(), "oldest_waiting_at": _time(found.oldest_waiting_at)}


def _notices_line(found: dict[str, Any] | None) -> Iterator[Text]:
    if found is not None:
        oldest = found["oldest_waiting_at"]
        waiting = f"{found['waiting']} waiting{f' (the oldest since {oldest})' if oldest else ''}"
        others = f"{found['without_endpoint']} without endpoint, {found['parked']} parked"
        yield Text(f"notices: {waiting}, {others}")


def _shown(value: int | None) -> str:
    return "–" if value is None else str(value)


def _postgres(settings: Settings) -> str | None:
    return postgres.address_of(settings.postgres_url) if settings.postgres_url else None


def _releases(settings: Settings) -> dict[str, str]:
    try:
        found = json.loads((settings.data / PLATFORM_FILE).read_text()).get("versions", {})
    except (OSError, json.JSONDecodeError):
        return {}  # external services, or no platform here
    return {str(name): str(release) for name, release in found.items()}


def _moment(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
