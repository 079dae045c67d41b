"""What is no event although its bytes are sound."""

from __future__ import annotations

from typing import Any

import pytest

from runut.admission import NEW_IDS, check_event, check_ids, cloud_event_headers
from runut.catalogue import catalogue
from runut.errors import NotAnEvent
from runut.event import Event
from runut.json_form import from_json
from runut.partitioner import partition_of

SUBJECT = "case/KP2MI-2025-0311"
EVENT = from_json(
    {
        "type": "TransferOffered",
        "event_id": "4a1b1c77-9ca6-546b-b54c-f0cafadfc064",
        "subject": SUBJECT,
        "agency": "kp2mi",
        "occurred_at": "2025-06-11T14:00:00+07:00",
        "data": {"transfer_id": "T1", "to": "kemlu", "ground": "MANDATE", "reason": "-"},
    }
)
MARKER = from_json(
    {
        "type": "DirectoryAdvanced",
        "subject": "directory/5",
        "agency": "runut",
        "occurred_at": "2025-06-11T14:00:00Z",
        "data": {"offset": 17, "root": "AA=="},
    }
)


def check(event: Event = EVENT, **changes: Any) -> None:
    """Check `event` where it belongs, but for what is changed."""
    subject = event.meta["subject"]
    marker = subject.startswith("directory/")
    given: dict[str, Any] = {
        "key": subject.encode(),
        "partition": 5 if marker else partition_of(subject.encode(), 8),
        "partitions": 8,
        "headers": cloud_event_headers(event),
    }
    check_event(catalogue().by_name(event.type), event, **(given | changes))


def changed(**changes: Any) -> Event:
    data = {name: value for name, value in changes.items() if name in EVENT.data}
    meta = {name: value for name, value in changes.items() if name not in data}
    return Event(EVENT.type, EVENT.meta | meta, EVENT.data | data)


def test_an_event_in_its_place_passes() -> None:
    check()
    check(headers=[])
    check(MARKER)


@pytest.mark.parametrize("key", [None, b"", b"case/other"])
def test_a_key_that_is_not_the_subject_is_no_event(key: bytes | None) -> None:
    with pytest.raises(NotAnEvent, match=f"key: expected the subject, {SUBJECT}"):
        check(key=key)


def test_a_record_in_another_partition_than_its_keys_is_no_event() -> None:
    right = partition_of(SUBJECT.encode(), 8)
    with pytest.raises(NotAnEvent, match=f"partition: expected {right}"):
        check(partition=(right + 1) % 8)


def test_a_marker_stands_in_the_partition_that_it_names() -> None:
    with pytest.raises(NotAnEvent, match="partition: expected 5"):
        check(MARKER, partition=4)


def test_a_type_in_the_other_topic_is_no_event() -> None:
    with pytest.raises(NotAnEvent, match="type: expected one that belongs in the directory topic"):
        check(topic="directory")


@pytest.mark.parametrize(
    "subject",
    ["meeting/X", "case/", "case/a b", "case/" + "x" * 81, "case", "case/a/b", "Case/X", "case/é"],
)
def test_a_subject_that_is_malformed_or_of_another_kind_is_no_event(subject: str) -> None:
    with pytest.raises(NotAnEvent, match="subject: expected case/ID"):
        check(changed(subject=subject))


@pytest.mark.parametrize(
    "subject", ["directory/", "directory/05", "directory/x", "directory/12345"]
)
def test_a_markers_subject_is_a_partition(subject: str) -> None:
    marker = Event(MARKER.type, MARKER.meta | {"subject": subject}, MARKER.data)
    with pytest.raises(NotAnEvent, match="subject"):
        check_ids(catalogue().by_name(marker.type), marker)


@pytest.mark.parametrize("code", ["", "KP2MI", "-x", "a b", "x" * 81])
@pytest.mark.parametrize("field", ["agency", "on_behalf_of"])
def test_a_malformed_agency_code_is_no_event(field: str, code: str) -> None:
    with pytest.raises(NotAnEvent, match=f"{field}: expected an agency code"):
        check(changed(**{field: code}))


@pytest.mark.parametrize("ident", ["", "T 1", "VERIFICATION:X:kp2mi", "x" * 81, "é"])
def test_a_malformed_id_of_a_new_thing_is_no_event(ident: str) -> None:
    with pytest.raises(NotAnEvent, match=r"data\.transfer_id: expected 1 to 80"):
        check(changed(transfer_id=ident))


def test_every_event_that_gives_an_id_has_that_field() -> None:
    for name, field in NEW_IDS.items():
        assert field in {one["name"] for one in catalogue().by_name(name).schema["fields"]}


def test_the_headers_are_cloudevents_binary_binding() -> None:
    assert list(cloud_event_headers(EVENT)) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"4a1b1c77-9ca6-546b-b54c-f0cafadfc064"),
        ("ce_type", b"runut.events.TransferOffered"),
        ("ce_source", b"/agencies/kp2mi"),
        ("ce_subject", SUBJECT.encode()),
        ("ce_time", b"2025-06-11T07:00:00Z"),
        ("content-type", b"application/avro"),
    ]


@pytest.mark.parametrize("name", [name for name, _ in cloud_event_headers(EVENT)])
def test_a_header_that_contradicts_the_body_is_no_event(name: str) -> None:
    with pytest.raises(NotAnEvent, match=f"header {name}"):
        check(headers=[(name, b"2025-06-11T07:00:01Z")])
    with pytest.raises(NotAnEvent, match=f"header {name}"):
        check(headers=[*cloud_event_headers(EVENT), (name, b"\xff")])


@pytest.mark.parametrize(
    "same",
    [
        b"2025-06-11T14:00:00.000+07:00",
        b"2025-06-11T07:00:00.0000000Z",
        b"2025-06-11T14:00:00.000000000+07:00",
        b"2025-06-11t07:00:00z",
    ],
)
def test_the_same_instant_may_be_written_in_another_way(same: bytes) -> None:
    check(headers=[("ce_time", same)])


def test_an_instant_that_differs_by_nanoseconds_is_another() -> None:
    with pytest.raises(NotAnEvent, match="header ce_time"):
        check(headers=[("ce_time", b"2025-06-11T07:00:00.000000001Z")])


def test_headers_of_others_are_not_looked_at() -> None:
    check(headers=[("traceparent", b"\xff"), *cloud_event_headers(EVENT), ("runut-key-id", b"k")])
