"""What is an event and what is not, beyond its bytes (events.md §1).

Pure rules on key, subject, ids, partition and CloudEvents headers. A record that breaks one
goes to quarantine, not to a subject. Whether an event counts is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from runut.catalogue import NAMESPACE, EventType, Topic
from runut.errors import BadInput, NotAnEvent
from runut.event import AGENCY_PATTERN, ID_PATTERN, Event
from runut.partitioner import partition_of
from runut.rfc3339 import parse_time, time_bytes

Headers = Sequence[tuple[str, bytes | None]]

AN_ID: Final = "1 to 80 of A-Z a-z 0-9 . _ -"
A_CODE: Final = "an agency code: 1 to 80 of a-z 0-9 . _ -, the first a letter or digit"

MAX_SUBJECT: Final = len("programme/") + 80
"""Characters of the longest subject."""

_is_code: Final = AGENCY_PATTERN.fullmatch
_SPECVERSION: Final = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final = ("content-type", b"application/avro")

# Fields in which an event gives an id to a new thing.
NEW_IDS: Final = {
    "TransferOffered": "transfer_id",
    "LetterSent": "letter_id",
    "ContactLogged": "contact_id",
    "DecisionRecorded": "decision_id",
    "CommitmentMade": "commitment_id",
    "AssistanceRequested": "assistance_id",
    "FineImposed": "fine_id",
}


def check_event(
    event_type: EventType,
    event: Event,
    *,
    key: bytes | None,
    partition: int,
    partitions: int,
    headers: Headers,
    topic: Topic = "events",
) -> None:
    """Pass a decoded record of `topic` that is an event.

    Raises:
        NotAnEvent: its topic, subject, ids, key, partition or CloudEvents headers are wrong.
    """
    check_place(event_type, event, key, partition, partitions, topic)
    check_headers(event, headers)


def check_place(
    event_type: EventType,
    event: Event,
    key: bytes | None,
    partition: int,
    partitions: int,
    topic: Topic = "events",
) -> None:
    """`check_event` but for the headers: topic, subject, ids, key and partition."""
    if event_type.topic != topic:
        raise NotAnEvent("type", f"one that belongs in the {topic} topic", event_type.name)
    check_ids(event_type, event)
    subject = event.subject.encode()
    if key != subject:
        raise NotAnEvent("key", f"the subject, {event.subject}", key)
    if event_type.name == "DirectoryAdvanced":
        # Markers go to every partition: their subject names it.
        expected = int(event.subject.removeprefix("directory/"))
    else:
        expected = partition_of(subject, partitions)
    if partition != expected:
        raise NotAnEvent("partition", f"{expected}, that of {event.subject}", partition)


def check_ids(event_type: EventType, event: Event) -> None:
    """Pass an event whose subject, agency codes and new id are well-formed.

    Raises:
        NotAnEvent: naming the field as in the JSON form, such as `data.letter_id`.
    """
    meta, subject = event.meta, event.subject
    # What is too long is not remembered: strangers must not fill the memory.
    kind = _known_kind(subject) if len(subject) <= MAX_SUBJECT else None
    if kind not in event_type.kinds:
        kinds = " or ".join(f"{one}/ID" for one in sorted(event_type.kinds))
        raise NotAnEvent("subject", f"{kinds} with ID {AN_ID}", subject)
    if not _is_code(event.agency):
        raise NotAnEvent("agency", A_CODE, meta["agency"])
    on_behalf_of = meta["on_behalf_of"]
    if on_behalf_of is not None and not _is_code(on_behalf_of):
        raise NotAnEvent("on_behalf_of", A_CODE, on_behalf_of)
    new_id = NEW_IDS.get(event_type.name)
    if new_id is not None and not ID_PATTERN.fullmatch(event.data[new_id]):
        raise NotAnEvent(f"data.{new_id}", AN_ID, event.data[new_id])


def cloud_event_headers(event: Event) -> tuple[tuple[str, bytes], ...]:
    """The headers of the CloudEvents 1.0 Kafka binding, binary mode.

    `ce_source` is `/agencies/CODE`: with `ce_id` it identifies the event, as the ledger does.
    """
    return (
        _SPECVERSION,
        ("ce_id", event.event_id.encode()),
        _ce_type(event.type),
        ("ce_source", b"/agencies/" + event.agency.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", time_bytes(event.occurred_at)),
        _CONTENT_TYPE,
    )


def check_headers(event: Event, headers: Headers) -> None:
    """Those of CloudEvents may be absent or repeated, but never say otherwise than the body.

    Raises:
        NotAnEvent: naming the header.
    """
    expected = dict(cloud_event_headers(event))
    for name, value in headers:
        if name in expected:
            wanted = expected[name]
            if value != wanted and not _same_time(name, value, event):
                raise NotAnEvent(f"header {name}", wanted.decode(), value)


@cache
def _ce_type(event_type: str) -> tuple[str, bytes]:
    """Of a type of the catalogue: there are only so many."""
    return "ce_type", f"{NAMESPACE}.{event_type}".encode()


@lru_cache(maxsize=65_536)
def _known_kind(subject: str) -> str | None:
    """The kind of a well-formed subject, else None."""
    kind, _, ident = subject.partition("/")
    pattern = _IDS.get(kind, ID_PATTERN)
    return kind if pattern.fullmatch(ident) else None


def _same_time(header: str, value: bytes | None, event: Event) -> bool:
    """Whether `ce_time` is the event's, written in another way."""
    if header != "ce_time" or value is None:
        return False
    try:
        # Others write nanoseconds, and RFC 3339 lets them write t and z.
        return parse_time(_ZEROS.sub(r"\1", value.decode().upper())) == event.occurred_at
    except (BadInput, UnicodeDecodeError):
        return False


_ZEROS: Final = re.compile(r"(\.\d{6})0+(?=[Z+-])")
_IDS: Final = {
    "agency": AGENCY_PATTERN,
    "directory": re.compile(r"0|[1-9][0-9]{0,3}"),
}
