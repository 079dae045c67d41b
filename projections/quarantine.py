"""Records that are no event: what they are, who probably sent them, and who took note of them.

They stay in the log for ever and change no state. That a person looked at one is kept beside the
read models, by place and leaf hash: it outlives a rebuild, and is of no other record. Documents are
as JSON has them; nothing here decides who may read them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from projections.queries import queries
from projections.reading import expecting_tables
from runut import codec
from runut.adapters.postgres import Connection
from runut.catalogue import catalogue
from runut.errors import BadInput, NotFound
from runut.json_form import to_json
from runut.rfc3339 import format_time

Document = dict[str, Any]

MAX_NAME: Final = 200
MAX_NOTE: Final = 2000

_SQL: Final = queries("quarantine")
_PLACE: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})")


class Place(NamedTuple):
    """Where a record lies in the log."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


def parse_place(text: str) -> Place:
    """`3:17`: partition and offset.

    Raises:
        BadInput: it is not.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise BadInput("place", "PARTITION:OFFSET, such as 3:17", text)
    return Place(int(found[1]), int(found[2]))


async def listed(
    connection: Connection,
    *,
    agency: str | None = None,
    acknowledged_too: bool = False,
    after: Place | None = None,
    limit: int = 100,
) -> list[Document]:
    """The newest first: those of an agency alone where one is named; `after` is the last known.

    Each is `{place, partition, offset, recorded_at, reason, key_id, agency, size, acknowledged}`;
    agency and key_id are claims, `acknowledged` is null or `{by, at, note}`.
    """
    asked = {
        "agency": agency,
        "acknowledged_too": acknowledged_too,
        "after_partition": after.partition if after else None,
        "after_offset": after.offset if after else None,
        "limit": limit,
    }
    with expecting_tables():
        cursor = await connection.execute(_SQL["list"], asked)
    return [_document(row) for row in await cursor.fetchall()]


async def shown(connection: Connection, place: Place) -> Document:
    """One of them, with `leaf_hash` in hex, first KiB of `key` and `value` in base64, and `type`.

    `decoded` is the event that the value would be, `undecoded` why it is none.

    Raises:
        NotFound: the record is an event, or not projected.
    """
    with expecting_tables():
        cursor = await connection.execute(_SQL["show"], place._asdict())
    row = await cursor.fetchone()
    if row is None:
        raise _absent(place)
    leaf_hash, event_type, key, value = row[10:]
    decoded, why = _attempt(event_type, value, row[6])
    return {
        **_document(row[:10]),
        "leaf_hash": leaf_hash.hex(),
        "type": event_type,
        "key": _base64(key),
        "value": _base64(value),
        "decoded": decoded,
        "undecoded": why,
    }


async def acknowledge(
    connection: Connection, places: Sequence[Place], by: str, note: str, now: datetime
) -> list[Document]:
    """Write down that someone looked at records, all or none; gives them as `listed` does.

    What was acknowledged before keeps who did it, when, and the note.

    Raises:
        BadInput: the name or the note is blank or too long.
        NotFound: a record is not in quarantine.
    """
    said = {"by": _said("name", by, MAX_NAME), "note": _said("note", note, MAX_NOTE), "now": now}
    with expecting_tables():
        async with connection.transaction():
            found = []
            for place in places:
                await connection.execute(_SQL["acknowledge"], {**said, **place._asdict()})
                cursor = await connection.execute(_SQL["show"], place._asdict())
                row = await cursor.fetchone()
                if row is None:
                    raise _absent(place)
                found.append(_document(row[:10]))
            return found


def _document(row: Sequence[Any]) -> Document:
    partition, offset, recorded_at, reason, key_id, agency, size, by, at, note = row
    return {
        "place": str(Place(partition, offset)),
        "partition": partition,
        "offset": offset,
        "recorded_at": format_time(recorded_at),
        "reason": reason,
        "key_id": key_id,
        "agency": agency,
        "size": size,
        "acknowledged": {"by": by, "at": format_time(at), "note": note} if at else None,
    }


def _attempt(
    event_type: str | None, value: bytes | None, size: int | None
) -> tuple[Document | None, str | None]:
    """The event that a value would be, or why it is none."""
    if event_type is None:
        return None, "no event type is known by its schema id or its header ce_type"
    if value is not None and size is not None and len(value) < size:
        return None, f"of its {size} bytes the first {len(value)} are kept"
    try:
        _, body = codec.unframe(value)
        return to_json(codec.decode(catalogue().by_name(event_type), body)), None
    except BadInput as error:
        return None, str(error)


def _said(thing: str, text: str, limit: int) -> str:
    text = text.strip()
    if not text or len(text) > limit or not text.isprintable():
        raise BadInput(thing, f"a line of 1 to {limit} characters", text)
    return text


def _absent(place: Place) -> NotFound:
    return NotFound(f"record {place}", "expected one in quarantine, found none")


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
