"""What a hand-written consumer makes of a record: a row of history, and a last state of its case.

Shared by all peers in Python, so that they decode alike and write the same columns into the same
table definition. Knows no rule, checks no signature, believes what it reads. Reaches no socket:
the programs of `bench.programs` import it where little else is installed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, NamedTuple

import fastavro
import orjson

from runut import codec
from runut.catalogue import EventType
from runut.log_reader import MARKER_PREFIX

AT_ONCE: Final = 5_000
"""Records in a batch, as many as the projector takes."""

Types = Mapping[int, EventType]
"""What a schema id stands for."""
Decode = Callable[[int, bytes], Any]
"""What reads a body of a schema."""

COLUMNS: Final = (
    *("subject", "seq", "event_id", "type", "agency", "occurred_at", "recorded_at", "partition"),
    *("offset", "schema_id", "body", "data"),
)
"""Columns of history that come out of a record."""
ASSUMED: Final = {
    "directory_offset": -1,
    "verdict": "EFFECTIVE",
    "codes": "{}",
    "differs": False,
    "signature": "UNSIGNED",
    "security": "ORDINARY",
}
"""Those that only a fold could tell."""
INSERT: Final = """
INSERT INTO history
       (subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
        schema_id, body, data, directory_offset, verdict, codes, differs, signature, security)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
        -1, 'EFFECTIVE', '{}', false, 'UNSIGNED', 'ORDINARY')
"""
UPSERT: Final = """
INSERT INTO subject
       (subject, kind, events, irregular, duplicate, corrected, last_recorded_at, state)
VALUES (%s, 'case', %s, 0, 0, 0, %s, %s)
ON CONFLICT (subject) DO UPDATE
   SET events = subject.events + EXCLUDED.events,
       last_recorded_at = EXCLUDED.last_recorded_at,
       state = EXCLUDED.state
RETURNING events
"""


class Seen(NamedTuple):
    """An event as these consumers see it."""

    subject: str
    recorded_at: datetime
    data: str
    row: tuple[Any, ...]
    """Values of `COLUMNS` after subject and seq."""


class Written(NamedTuple):
    """What one batch writes."""

    history: list[tuple[Any, ...]]
    """For INSERT."""
    states: list[tuple[Any, ...]]
    """For UPSERT: each case once."""


def seen(
    decode: Decode, types: Types, value: bytes, timestamp_ms: int, partition: int, offset: int
) -> Seen:
    """Decode a record's value and make a row of it."""
    schema_id, body = codec.unframe(value)
    data = decode(schema_id, body)
    meta = data.pop("meta")
    recorded_at = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    shown = orjson.dumps(data, default=str).decode()
    who = (meta["event_id"], types[schema_id].name, meta["agency"], meta["occurred_at"])
    place = (recorded_at, partition, offset)
    return Seen(meta["subject"], recorded_at, shown, (*who, *place, schema_id, body, shown))


def written(batch: Iterable[Seen], counts: Counter[str]) -> Written:
    """Rows of a batch; an event's number within its case is counted in `counts`."""
    history, new, last = [], Counter[str](), dict[str, Seen]()
    for one in batch:
        counts[one.subject] += 1
        new[one.subject] += 1
        last[one.subject] = one
        history.append((one.subject, counts[one.subject], *one.row))
    states = [(name, new[name], one.recorded_at, one.data) for name, one in last.items()]
    return Written(history, states)


def is_marker(key: bytes | None) -> bool:
    """Whether a record is the ledger's own, not an event of an agency."""
    return key is not None and key.startswith(MARKER_PREFIX)


def by_fastavro(types: Types, *, times: bool = True) -> Decode:
    """A reader of bodies by fastavro; without `times`, timestamps stay longs."""
    schemas = {
        schema_id: fastavro.parse_schema(one.schema if times else without_times(one.schema))
        for schema_id, one in types.items()
    }
    return lambda schema_id, body: fastavro.schemaless_reader(
        BytesIO(body), schemas[schema_id], None
    )


def without_times(schema: Any) -> Any:
    """The schema with timestamps as plain longs."""
    if isinstance(schema, list):
        return [without_times(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("logicalType") == "timestamp-micros":
        return "long"
    return {name: without_times(value) for name, value in schema.items()}
