"""Up to where a shard of the outbox was looked at, and what of it is ready to be sent.

A shard is a share of the subjects. Its position only tells which subjects have news; what of a
subject goes is told by its versions, each after the one before it. All of it is asked and told in
one transaction, by whoever holds the shard's lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NewType

from producers.outbox.rows import Row, Stream
from producers.outbox.source import TRANSACTION_TIMEOUT_S, Source
from runut.codec import MAX_VALUE

Shard = NewType("Shard", int)

SHARDS: Final = 16
"""As many as ddl.sql makes."""
WINDOW_ROWS: Final = 1000
"""Rows that are looked at in one transaction."""
READY_ROWS: Final = 2 * WINDOW_ROWS
"""Rows that are sent in one: more, where some had waited for one of the window's."""
READY_BYTES: Final = 8 * 1024 * 1024
IDLE_TIMEOUT: Final = f"{TRANSACTION_TIMEOUT_S:g}s"
"""After which PostgreSQL takes the lock from a relay that hangs."""


class Place(NamedTuple):
    """A row's place in the order of the outbox; `xid` is a 64-bit number as text."""

    xid: str
    seq: int


class Window(NamedTuple):
    """News since a position: no row that belongs before its end can come any more."""

    end: Place
    seen: dict[Stream, int]
    """The highest version of each subject that is in it, subjects in order of appearance."""


class Ready(NamedTuple):
    """Rows to be sent, subject by subject and each in order of version."""

    rows: Sequence[Row]
    is_cut: bool
    """Whether there may be more."""


class Refusal(NamedTuple):
    """A row that can be no event."""

    row: Row
    reason: str


class _Due(NamedTuple):
    shard: int


class _Lock(NamedTuple):
    is_ours: bool
    lock_timeout: str
    idle_timeout: str


class _Position(NamedTuple):
    xid: str
    seq: int
    is_valid: bool


class _News(NamedTuple):
    aggregatetype: str
    aggregateid: str
    version: int
    xid: str
    seq: int


async def due(source: Source) -> list[Shard]:
    """Shards with news."""
    return [Shard(one.shard) for one in await source.ask(_Due, "due")]


async def lock(source: Source, shard: Shard) -> bool:
    """Take a shard until the end of the transaction; False when another relay has it."""
    (found,) = await source.ask(_Lock, "lock", shard=shard, idle_timeout=IDLE_TIMEOUT)
    return found.is_ours


async def position(source: Source, shard: Shard) -> Place | None:
    """Up to where it was looked at; None where that says nothing about this database.

    Transactions are numbered by a cluster of PostgreSQL. A database that was restored from a dump
    into another one brings its positions along, and they would pass over new rows.
    """
    (found,) = await source.ask(_Position, "position", shard=shard)
    return Place(found.xid, found.seq) if found.is_valid else None


async def restart(source: Source, shard: Shard) -> None:
    """Begin to look at it anew, by the numbers of this cluster."""
    await source.tell("restamp", shard=shard)
    await source.tell("restart", shard=shard)


async def read_window(source: Source, shard: Shard, after: Place) -> Window | None:
    """The next rows; None where there are none."""
    news = await source.ask(_News, "window", shard=shard, limit=WINDOW_ROWS, **after._asdict())
    if not news:
        return None
    seen: dict[Stream, int] = {}
    for one in news:
        stream = one.aggregatetype, one.aggregateid
        seen[stream] = max(one.version, seen.get(stream, 0))
    return Window(Place(news[-1].xid, news[-1].seq), seen)


async def read_ready(source: Source, window: Window) -> Ready:
    """What of the subjects of a window can go now."""
    rows = await source.ask(
        Row,
        "ready",
        types=[kind for kind, _ in window.seen],
        ids=[ident for _, ident in window.seen],
        limit=READY_ROWS,
        max_size=MAX_VALUE,
        max_bytes=READY_BYTES,
        **window.end._asdict(),
    )
    found = rows[0].found if rows else 0
    return Ready(rows, is_cut=found == READY_ROWS or len(rows) < found)


async def record(
    source: Source, window: Window, passed: Mapping[Stream, int], refusals: Sequence[Refusal]
) -> None:
    """Write down up to which version each subject is through, and what was refused."""
    await source.tell(
        "progress",
        types=[kind for kind, _ in window.seen],
        ids=[ident for _, ident in window.seen],
        sent=[passed.get(stream, 0) for stream in window.seen],
        seen=list(window.seen.values()),
    )
    if refusals:
        await source.tell(
            "refuse",
            ids=[one.row.id for one in refusals],
            xids=[one.row.xid for one in refusals],
            reasons=[source.storable(one.reason) for one in refusals],
        )


async def advance(source: Source, shard: Shard, end: Place) -> None:
    """Move the position: all up to there was sent, refused, or waits for another version."""
    await source.tell("advance", shard=shard, **end._asdict())
