"""A row of the outbox as an event, or the reason why it can be none. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from runut.codec import MAX_VALUE
from runut.errors import FieldError
from runut.event import AgencyCode, Event
from runut.json_form import from_json, json_value
from runut.tracing import TRACE_HEADER

Stream = tuple[str, str]
"""Whose versions are counted: aggregatetype and aggregateid."""
_OF_COLUMNS: Final = {
    "type": "type",
    "subject": "aggregatetype and aggregateid",
    "event_id": "id",
    "occurred_at": "occurred_at",
    "data": "payload",
    "agency": "the relay's --agency",
}


class Row(NamedTuple):
    """A row that is to be sent now; the columns are described in ddl.sql."""

    id: str
    aggregatetype: str
    aggregateid: str
    version: int
    type: str
    occurred_at: str
    payload: str | None
    """JSON, as is `meta`; None where both together are too large."""
    meta: str | None
    size: int
    xid: str
    skipped: bool
    found: int
    """How many rows are ready, as far as was looked."""

    @property
    def stream(self) -> Stream:
        """Whose version it is."""
        return self.aggregatetype, self.aggregateid


def event_of(row: Row, agency: AgencyCode) -> Event:
    """The event that a row says, emitted by the relay's agency. The same row is always the same.

    Raises:
        FieldError: naming the field as in the JSON form: payload is `data`.
    """
    if row.payload is None or row.meta is None:
        found = f"{row.size} bytes"
        raise FieldError("data", f"payload and meta of {MAX_VALUE} bytes at most", found)
    return from_json(
        {
            **_meta(row.meta),
            "type": row.type,
            "subject": f"{row.aggregatetype}/{row.aggregateid}",
            "event_id": row.id,
            "agency": agency,
            "occurred_at": row.occurred_at,
            "data": json_value(row.payload, "data"),
        }
    )


def trace_of(row: Row) -> str | None:
    """`traceparent` of what the row was inserted in, which its meta may hold.

    Raises:
        FieldError: its meta cannot be read.
    """
    if row.meta is None or f'"{TRACE_HEADER}"' not in row.meta:
        return None  # as most rows, which need not be parsed for it
    found = json_value(row.meta, "meta")
    trace = found.get(TRACE_HEADER) if isinstance(found, dict) else None
    return trace if isinstance(trace, str) else None


def _meta(text: str) -> dict[str, Any]:
    found = json_value(text, "meta")
    if not isinstance(found, dict):
        raise FieldError("meta", "an object of further meta fields", text)
    trace = found.pop(TRACE_HEADER, None)
    if not isinstance(trace, str | None):
        raise FieldError(f"meta.{TRACE_HEADER}", "text (W3C Trace Context)", trace)
    for name in found.keys() & _OF_COLUMNS.keys():
        raise FieldError(f"meta.{name}", f"no such field: it is {_OF_COLUMNS[name]}", found[name])
    return found
