"""From a span to a record's header, and from the header to a span again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest.mock import AsyncMock

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from runut.adapters.http_guards import Traced
from runut.errors import NotRecorded
from runut.event import Event
from runut.lanes import Receipt
from runut.outgoing import compose
from runut.tracing import (
    MAX_LINKS,
    Emissions,
    current_traceparent,
    following,
    processing,
    serving,
)
from tests.spans import tracing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"
NOT_SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"
DATA = {"contact_id": "K1", "mode": "CHAT", "direction": "INCOMING", "summary": "-"}


def contact() -> Event:
    return compose("ContactLogged", "case/X", "kp2mi", datetime(2025, 5, 8, tzinfo=UTC), DATA)


def receipt_of(event: Event) -> Receipt:
    at = datetime(2025, 5, 8, tzinfo=UTC)
    return Receipt(event.event_id, event.subject, "events", 3, 17, at, None)


async def begun(event: Event) -> tuple[bytes | None, asyncio.Future[Receipt]]:
    receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    return Emissions("events").begin(event, 3, receipt), receipt


def is_sampled(header: bytes) -> bool:
    return int(header[-2:], 16) & 1 == 1


async def turn() -> None:
    """Let what is done be told."""
    await asyncio.sleep(0)


async def test_a_span_lasts_from_acceptance_to_receipt_and_says_what_was_sent() -> None:
    event = contact()
    with tracing() as spans:
        header, receipt = await begun(event)
        assert spans.named("send") == []
        receipt.set_result(receipt_of(event))
        await turn()
        (span,) = spans.named("send")
    assert (span.name, span.kind) == ("send events", trace.SpanKind.PRODUCER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": "events",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.message.key": "case/X",
        "messaging.kafka.offset": 17,
        "runut.event.id": event.event_id,
        "runut.event.type": "ContactLogged",
        "runut.agency": "kp2mi",
    }
    found = span.get_span_context()
    assert header is not None
    assert found is not None
    assert header[:-2] == f"00-{found.trace_id:032x}-{found.span_id:016x}-".encode()
    assert is_sampled(header)


async def test_an_event_that_is_not_recorded_says_so_in_its_span() -> None:
    with tracing() as spans:
        _, failed = await begun(contact())
        failed.set_exception(NotRecorded("events", 3, "-"))
        _, given_up = await begun(contact())
        given_up.cancel()
        await turn()
        first, second = spans.named("send")
    assert [one.status.status_code for one in (first, second)] == [trace.StatusCode.ERROR] * 2
    assert (first.attributes or {})["error.type"] == "NotRecorded"


async def test_the_span_belongs_to_what_its_caller_does() -> None:
    with tracing() as spans, following({"traceparent": SAMPLED}):
        header, receipt = await begun(contact())
        receipt.cancel()
        await turn()
        (span,) = spans.named("send")
    assert header is not None
    assert header[3:35].decode() == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"


async def test_without_an_sdk_the_callers_trace_is_passed_on() -> None:
    assert (await begun(contact()))[0] is None
    with following({"traceparent": SAMPLED}):
        assert (await begun(contact()))[0] == SAMPLED.encode()
        assert current_traceparent() == SAMPLED.encode()
    assert current_traceparent() is None


async def test_what_is_not_sampled_is_passed_on_as_that() -> None:
    with tracing(ALWAYS_OFF) as spans:
        header, receipt = await begun(contact())
        receipt.cancel()
        await turn()
        assert spans.named("") == []
    assert header is not None
    assert not is_sampled(header)


@pytest.mark.parametrize("header", [None, "", "rubbish", SAMPLED.upper(), "00-0-0-01"])
def test_a_header_that_is_none_changes_nothing(header: str | None) -> None:
    with following({"traceparent": header}):
        assert current_traceparent() is None


def test_processing_is_linked_to_what_was_sampled() -> None:
    other = SAMPLED.replace("4bf9", "5bf9")
    headers: list[list[tuple[str, bytes | None]]] = [
        [("ce_id", b"1"), ("traceparent", SAMPLED.encode()), ("traceparent", b"second")],
        [("traceparent", NOT_SAMPLED.encode())],
        [("traceparent", None)],
        [("traceparent", b"\xff\x00")],
        [("traceparent", f"00-{'0' * 32}-00f067aa0ba902b7-01".encode())],
        [("ce_id", b"2")],
        [("traceparent", other.encode())],
    ]
    with tracing() as spans:
        with processing("events", "projector", headers):
            pass
        (span,) = spans.named("project")
    assert (span.name, span.kind) == ("project events", trace.SpanKind.CONSUMER)
    assert [f"{one.context.trace_id:032x}" for one in span.links] == [TRACE, other[3:35]]
    assert (span.attributes or {})["messaging.operation.type"] == "process"


def test_a_long_batch_costs_no_more_links_than_are_kept() -> None:
    def headers() -> Iterator[list[tuple[str, bytes | None]]]:
        for number in count(1):
            yield [("traceparent", f"00-{number:032x}-00f067aa0ba902b7-01".encode())]

    with tracing() as spans:
        with processing("events", "projector", headers()):
            pass
        (span,) = spans.named("project")
    assert [link.context.trace_id for link in span.links] == [*range(1, MAX_LINKS + 1)]


def test_without_anything_sampled_there_is_no_span() -> None:
    with tracing() as spans:
        with processing("events", "projector", [[("traceparent", NOT_SAMPLED.encode())]]):
            pass
        assert spans.named("") == []


def test_without_an_sdk_no_header_is_looked_at() -> None:
    def headers() -> Any:
        raise AssertionError
        yield

    with processing("events", "projector", headers()):
        pass


def test_an_answer_goes_on_in_the_trace_of_its_request() -> None:
    with tracing() as spans:
        with serving("POST /api/v1/events", {"traceparent": SAMPLED}):
            inner = current_traceparent()
        (span,) = spans.named("POST")
    assert span.kind is trace.SpanKind.SERVER
    assert inner is not None
    assert inner[3:35].decode() == TRACE
    with serving("POST /api/v1/events", {"traceparent": SAMPLED}):
        assert current_traceparent() == SAMPLED.encode()


@pytest.mark.parametrize("has_sdk", [True, False])
async def test_a_request_goes_on_in_the_trace_of_its_header(has_sdk: bool) -> None:
    seen: list[tuple[bytes | None, str]] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append((current_traceparent(), scope["state"]["trace_id"]))

    headers = [(b"traceparent", SAMPLED.encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/events", "headers": headers}
    with tracing() if has_sdk else nullcontext():
        await Traced(app)(scope, AsyncMock(), AsyncMock())
        await Traced(app)({**scope, "headers": []}, AsyncMock(), AsyncMock())
    (header, trace_id), (other_header, other_id) = seen
    assert header is not None
    assert (header[3:35].decode(), trace_id) == (TRACE, TRACE)
    assert other_id not in {"", TRACE}
    assert (other_header or b"")[3:35].decode() == (other_id if has_sdk else "")
