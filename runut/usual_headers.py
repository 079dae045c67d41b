"""A record's headers as our producers write them: exactly these, in this order.

Pure. Most records have them so, and then all that `runut.admission` and `runut.signing` look for,
header by header, is at its place. What is written otherwise is no worse, it only takes longer.
"""

from __future__ import annotations

from functools import cache

from runut.admission import Headers
from runut.catalogue import NAMESPACE
from runut.event import Event
from runut.rfc3339 import time_bytes


def signature_beside(
    event: Event, subject: bytes | None, headers: Headers
) -> tuple[bytes, bytes] | None:
    """Values of the two signature headers, where the other headers are those of the event.

    None where that is not so, or not seen at a glance: then each header has to be looked at.
    `subject` is the event's, as UTF-8.
    """
    match headers:
        case (
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id),
            ("ce_type", event_type),
            ("ce_source", source),
            ("ce_subject", about),
            ("ce_time", time),
            ("content-type", b"application/avro"),
            ("traceparent", _),
            ("runut-key-id", key_id),
            ("runut-signature", signature),
        ) if (
            event_id == event.event_id.encode()
            and event_type == _full_name(event.type)
            and source == b"/agencies/" + event.agency.encode()
            and about == subject
            and time == time_bytes(event.occurred_at)
            and key_id is not None
            and signature is not None
        ):
            return key_id, signature
    return None


@cache
def _full_name(event_type: str) -> bytes:
    """Of a type of the catalogue: there are only so many."""
    return f"{NAMESPACE}.{event_type}".encode()
