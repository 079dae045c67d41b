"""Found a ledger, and complete one whose founding was interrupted or whose release is older.

Owns what every ledger's directory holds from its start (events.md §2): the founding, the SYSTEM
agency `runut` with its key, the schemas of this release, the default protocol and the calendars.
What is missing is decided by reading the directory, so that founding twice, or after a kill at
any step, writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from runut.adapters.registry import open_registry
from runut.adapters.topics import Clock, check_topics, create_topics, existing_topics
from runut.catalogue import Topic, catalogue
from runut.directory import Directory, Ledger
from runut.directory_follower import DirectoryFollower
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import SettingError
from runut.event import Event
from runut.keystore import KeyStore, SigningKey
from runut.outgoing import known_schema_ids, usable_key
from runut.protocol import Protocol
from runut.public_holidays import calendars
from runut.settings import Settings

# UU 18/2017 came into force on this day: no event of the field's present order is older, so
# every event finds a protocol.
PROTOCOL_FROM: Final = datetime(2017, 11, 22, tzinfo=ZoneInfo("Asia/Jakarta"))
NAME: Final = "runut"
"""Of a ledger that nobody names otherwise."""
DEFAULT_PROTOCOL: Final = "pmi.toml"
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)
# Brokers' clocks differ; a key is to be valid from the announcement of its publication on.
_CLOCK_DIFFERENCE: Final = timedelta(hours=1)


async def create_ledger(settings: Settings, *, name: str = NAME, clock: Clock = "BROKER") -> Ledger:
    """Found the ledger of these settings, or complete it; gives it as it stands.

    Topics, schemas at the registry, root key, directory, markers, the key of the seals: each step
    is made where it is missing. `name` and `clock` count only where nothing is founded yet.

    Raises:
        LedgerMismatch: topics or directory are another's, or its root key is not here.
        Unreachable: Kafka or the registry does not answer.
        BadInput: the registry refuses a schema.
    """
    await make_topics(settings, clock)
    return await found_ledger(settings, await register_schemas(settings), name=name, clock=clock)


async def announced_schemas(settings: Settings) -> Mapping[str, int]:
    """Ids of this release's schemas as the directory announced them; empty where there is none.

    Where all are announced, a ledger can be completed without the registry.

    Raises:
        LedgerMismatch, Unreachable: as `create_ledger`.
    """
    if settings.directory_topic not in await existing_topics(settings):
        return {}
    async with DirectoryFollower(settings) as follower:
        return known_schema_ids(follower.log.latest)


async def found_ledger(
    settings: Settings, schema_ids: Mapping[str, int], *, name: str = NAME, clock: Clock
) -> Ledger:
    """Found or complete the ledger on topics that are there, with these ids of the schemas.

    Raises as `create_ledger`.
    """
    async with DirectoryWriter(settings, KeyStore(settings.keys), schema_ids) as writer:
        if writer.directory.ledger is None:
            await writer.found(name, clock)
        await writer.publish(list(missing_records(writer, schema_ids)))
        await writer.repair_markers()
        if writer.keys.seal_key() is None:
            writer.keys.new_seal_key()
        return writer.ledger


def default_protocol() -> Path:
    """Where the default protocol is: inside an installed wheel, else beside the package."""
    package = Path(__file__).parent
    installed = package / "protocols" / DEFAULT_PROTOCOL
    return installed if installed.is_file() else package.parent / "protocols" / DEFAULT_PROTOCOL


def protocol_payload(text: str, effective_from: datetime) -> dict[str, Any]:
    """Payload of a ProtocolPublished.

    Raises:
        BadFile: the text is no protocol.
    """
    return {
        "version": Protocol(text).version,
        "effective_from": effective_from,
        "body": text,
        "sha256": sha256(text.encode()).hexdigest(),
    }


def key_payload(key: SigningKey, custody: str, written_at: datetime) -> dict[str, Any]:
    """Payload of an AgencyKeyPublished, valid as soon as it is announced.

    `written_at`: a time that Kafka's clock has passed.
    """
    return {
        "agency": key.agency,
        "key_id": key.key_id,
        "public_key": key.public_key,
        "custody": custody,
        "valid_from": at_once(written_at),
    }


def at_once(written_at: datetime) -> datetime:
    """The `valid_from` that delays nothing, given a time that Kafka's clock has passed."""
    return written_at - _CLOCK_DIFFERENCE


async def make_topics(settings: Settings, clock: Clock) -> None:
    """Create what is missing, unless a ledger was founded: a log that is lost stays lost.

    Raises:
        LedgerMismatch: a topic is not as a ledger needs it, or a founded ledger's is gone.
        Unreachable: Kafka does not answer.
    """
    if settings.directory_topic in await existing_topics(settings):
        async with DirectoryFollower(settings) as follower:
            ledger = follower.log.latest.ledger
        if ledger is not None:
            as_founded = settings.model_copy(update={"partitions": ledger.partitions})
            await check_topics(as_founded, "TEST" if ledger.clock == "TEST" else "BROKER")
            return
    await create_topics(settings, clock)


async def register_schemas(settings: Settings) -> Mapping[str, int]:
    """Register this release's schemas; the id of each type by its name.

    Raises:
        SettingError: RUNUT_REGISTRY_URL is not set.
        Unreachable: the registry does not answer.
        BadInput: it refuses a schema.
    """
    if not settings.registry_url:
        raise SettingError(
            "RUNUT_REGISTRY_URL: expected the address of a schema registry, found nothing"
        )
    topics: dict[Topic, str] = {
        "events": settings.events_topic,
        "directory": settings.directory_topic,
    }
    async with open_registry(settings.registry_url) as registry:
        return await registry.register(catalogue(), topics)


def missing_records(writer: DirectoryWriter, schema_ids: Mapping[str, int]) -> Iterator[Event]:
    """The records that every directory holds and this one does not."""
    directory, ledger = writer.directory, f"ledger/{writer.ledger.name}"
    if directory.agency(SYSTEM) is None:
        yield writer.compose("AgencyRegistered", f"agency/{SYSTEM}", _SYSTEM_AGENCY)
    if usable_key(writer.keys, directory, SYSTEM) is None:
        key = unpublished_key(writer.keys, directory, SYSTEM)
        payload = key_payload(key, "SELF", writer.written_at)
        yield writer.compose("AgencyKeyPublished", f"agency/{SYSTEM}", payload)
    for payload in _unknown_schemas(directory, schema_ids):
        yield writer.compose("SchemaRegistered", ledger, payload)
    if directory.protocol_at(LAST_MOMENT) is None:
        payload = protocol_payload(default_protocol().read_text(), PROTOCOL_FROM)
        yield writer.compose("ProtocolPublished", ledger, payload)
    for payload in calendars(without=directory.calendar_years()):
        yield writer.compose("CalendarPublished", ledger, payload)


def unpublished_key(keys: KeyStore, directory: Directory, agency: str) -> SigningKey:
    """A local key that the directory does not know: left by an interrupted run, or a new one."""
    newest = next(reversed(keys.keys(agency)), None)
    if newest is not None and directory.key(agency, newest.key_id) is None:
        return newest
    return keys.new(agency)


def _unknown_schemas(
    directory: Directory, schema_ids: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    for event_type in catalogue():
        schema_id = schema_ids[event_type.name]
        known = directory.schema(schema_id)
        if known is None or known.sha256 != event_type.sha256:
            yield {
                "schema_id": schema_id,
                "name": event_type.full_name,
                "sha256": event_type.sha256.hex(),
            }


_SYSTEM_AGENCY: Final = {
    "code": SYSTEM,
    "name_id": "Buku besar koordinasi",
    "name_en": "Coordination ledger",
    "kind": "SYSTEM",
    "roles": [],
}
