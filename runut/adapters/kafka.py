"""Kafka through aiokafka: clients made from the settings, records as the ledger sees them.

Thin. Owns the defaults that keep a ledger safe (stack.md §aiokafka) and turns a broker that does
not answer into one sentence. Topics are `runut.adapters.topics`; what records mean is not known
here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import TopicPartition

from runut.adapters.kafka_login import login_options, refusal
from runut.adapters.kafka_records import LogConsumer
from runut.errors import LedgerMismatch, NotAdmitted, SettingError, Unreachable
from runut.records import RawRecord
from runut.settings import Settings

ANSWER_TIMEOUT_S: Final = 10.0
"""How long a broker may take to answer before it counts as unreachable."""
HEARTBEAT_MS: Final = 1_000
"""Partitions change hands at a heartbeat: whoever joins waits as long for the others."""
_POLL_MS: Final = 500
BATCH_BYTES: Final = 256 * 1024
MAX_FETCH_BYTES: Final = 8 * 1024 * 1024
Records = AsyncIterator[list[RawRecord]]
"""Of one partition, in order."""
_ADVICE: Final = "start it (runut up) or set RUNUT_KAFKA_BOOTSTRAP"
_GRANT: Final = "have the right granted (deploy/kafka/grant.sh) or log in as another"
_NO_RIGHT: Final = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

# Without a handler of their own its warnings, which our errors repeat, would go to stderr.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


def client_options(settings: Settings) -> dict[str, Any]:
    """Arguments that every aiokafka client takes: where the brokers are and how to log in.

    Raises:
        SettingError: RUNUT_KAFKA_BOOTSTRAP is not set, or what a login needs is not.
    """
    return {"bootstrap_servers": bootstrap(settings), **login_options(settings)}


def bootstrap(settings: Settings) -> str:
    """`host:port[,host:port]` of the brokers.

    Raises:
        SettingError: RUNUT_KAFKA_BOOTSTRAP is not set.
    """
    if not settings.kafka_bootstrap:
        raise SettingError(
            "RUNUT_KAFKA_BOOTSTRAP: expected host:port of a Kafka broker, found nothing; "
            f"no platform runs in {settings.data} either (start one: runut up)"
        )
    return settings.kafka_bootstrap


def consumer(settings: Settings, *, group_id: str | None = None) -> LogConsumer:
    """A consumer, not started: it commits nothing by itself and never chooses where to read."""
    return LogConsumer(
        **client_options(settings),
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        heartbeat_interval_ms=HEARTBEAT_MS,
        fetch_max_bytes=4 * MAX_FETCH_BYTES,
        max_partition_fetch_bytes=MAX_FETCH_BYTES,
    )


def producer(settings: Settings) -> AIOKafkaProducer:
    """A producer, not started: idempotent, and content only when all replicas have a record."""
    return AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=15_000,
    )


@asynccontextmanager
async def connected(
    settings: Settings, client: Any, timeout_s: float = ANSWER_TIMEOUT_S
) -> AsyncIterator[None]:
    """Start an aiokafka client for as long as the block lasts. Raises as `start` does.

    What a producer could not deliver by the end of the block is dropped.
    """
    await start(settings, client, timeout_s)
    try:
        yield
    finally:
        await _close(client)


async def start(settings: Settings, client: Any, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    """Start an aiokafka client.

    Raises:
        NotAdmitted: it answers, and lets nobody in by these settings.
        Unreachable: no broker answers within `timeout_s` seconds.
    """
    try:
        with translated(settings):
            async with asyncio.timeout(timeout_s):
                await client.start()
    except Unreachable as error:
        await _close(client)
        raise await refusal(settings, bootstrap(settings)) or error from None
    except BaseException:
        await _close(client)
        raise


async def abandon(dropped: AIOKafkaProducer) -> None:
    """Close a producer without waiting for what it could not deliver.

    `stop` waits until everything is delivered, which an idempotent producer tries for ever.
    """
    sender = dropped._sender.sender_task
    await dropped.client.close()
    while sender is not None and not sender.done():
        # Its first cancellation waits for requests under way, the next one cancels these too.
        sender.cancel()
        await asyncio.wait([sender], timeout=0.1)
    dropped._closed = True  # all that `stop` would still do is to wait


@contextmanager
def translated(settings: Settings) -> Iterator[None]:
    """Turn aiokafka's errors into ours.

    Raises:
        NotAdmitted: whoever is logged in has not the right to do this.
        Unreachable: the brokers do not answer, or refuse.
        LedgerMismatch: the log does not reach to where reading was to begin.
    """
    try:
        yield
    except NoOffsetForPartitionError:
        raise  # not the brokers' fault: whoever reads says where to begin
    except OffsetOutOfRangeError as error:
        raise LedgerMismatch(f"the log was cut: expected to read on, found {error!r}") from None
    except _NO_RIGHT as error:
        found = f"does not let {settings.kafka_sasl_username or 'us'} do this ({error!r})"
        raise NotAdmitted("Kafka", bootstrap(settings), found, _GRANT) from None
    except KafkaConnectionError:
        raise Unreachable("Kafka", bootstrap(settings), _ADVICE) from None
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unreachable("Kafka", bootstrap(settings), _ADVICE, repr(error)) from None


async def read_to_end(
    settings: Settings, reader: LogConsumer, starts: Mapping[TopicPartition, int]
) -> AsyncIterator[list[RawRecord]]:
    """The records of these partitions, each from its offset to the end that it has now.

    They come in lists of one partition each, in its order; those that are written meanwhile may
    come too. An end may have no record before it: a transaction's end has an offset and is none.
    Takes the consumer for itself, whose positions are behind all that was read.

    Raises:
        Unreachable: nothing comes within the time that a broker may take.
        LedgerMismatch: a log begins after its offset.
    """
    ends = await end_offsets(settings, reader, starts)
    await _go_to(reader, starts)
    patience = _Patience(settings)
    while left := await _short_of(reader, ends):
        with translated(settings):
            fetched = await reader.getmany(timeout_ms=_POLL_MS)
        patience.demand(left)
        for found in fetched.values():
            yield found


async def _short_of(
    reader: LogConsumer, ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """How far reading came where it did not come to the end."""
    at = {place: await reader.position(place) for place in ends}
    return {place: offset for place, offset in at.items() if offset < ends[place]}


class _Patience:
    """How long reading may come no further."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._left: Mapping[TopicPartition, int] = {}
        self._since = monotonic()

    def demand(self, left: Mapping[TopicPartition, int]) -> None:
        """That it came further than the last time, or might yet."""
        if left != self._left:
            self._left, self._since = left, monotonic()
        elif monotonic() - self._since > ANSWER_TIMEOUT_S:
            found = f"no records of {set(left)}"
            raise Unreachable("Kafka", bootstrap(self._settings), _ADVICE, found)


async def records_of(
    settings: Settings, topic: str, partition: int, end: int, start: int = 0
) -> AsyncIterator[list[RawRecord]]:
    """The records of a partition from `start` to before `end`, in lists that are not empty.

    Raises:
        LedgerMismatch: the log ends before `end`, or begins after `start`.
        Unreachable: no broker answers.
    """
    reader, place = consumer(settings), TopicPartition(topic, partition)
    async with connected(settings, reader):
        async for found in read_to_end(settings, reader, {place: start}):
            wanted = [record for record in found if record.offset < end]
            if wanted:
                yield wanted
            if found[-1].offset + 1 >= end:
                return
        at = await reader.position(place)
    if at < end:
        raise LedgerMismatch(
            f"partition {partition} of {topic}: expected records up to offset {end - 1}, "
            f"found the end of the log at {at}"
        )


async def record_at(
    settings: Settings, topic: str, partition: int, offset: int
) -> RawRecord | None:
    """The record at an offset; None where the log goes on and has none there.

    Raises as `records_of`.
    """
    some = records_of(settings, topic, partition, offset + 1, offset)
    found = [record async for records in some for record in records]
    return found[0] if found else None


async def end_offsets(
    settings: Settings, reader: LogConsumer, places: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """The offset that each partition's next record will have. Raises as `translated` does."""
    with translated(settings):
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            ends: dict[TopicPartition, int] = await reader.end_offsets(list(places))
            return ends


async def _go_to(reader: LogConsumer, starts: Mapping[TopicPartition, int]) -> None:
    # To assign or seek throws away the request that waits at the log's end, and the next one
    # has to wait for it: who only reads on is spared that.
    if reader.assignment() != set(starts):
        reader.assign(list(starts))
        for place, start_at in starts.items():
            reader.seek(place, start_at)
        return
    for place, start_at in starts.items():
        if await reader.position(place) != start_at:
            reader.seek(place, start_at)


async def _close(client: Any) -> None:
    if isinstance(client, AIOKafkaProducer):
        await abandon(client)
    else:
        await (client.stop() if isinstance(client, LogConsumer) else client.close())
