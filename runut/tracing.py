"""Traces through the ledger: from who emits to who projects (OpenTelemetry, W3C Trace Context).

Owns how a span becomes a record's `traceparent` and how a reader finds it again. Uses the API of
OpenTelemetry alone: where the program set up no SDK, nothing is recorded and hardly anything done;
the caller's own trace is passed on all the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runut.admission import Headers
from runut.event import Event

if TYPE_CHECKING:
    from runut.lanes import Receipt

TRACE_HEADER: Final = "traceparent"
SCOPE: Final = "runut"
MAX_LINKS: Final = 128
"""Of one span: more than an SDK keeps by default need not be looked for."""
# Ids have to be different, not secret: to ask the system for each costs more than the rest.
_ids: Final = Random()  # noqa: S311 - seeded by the system
_PROPAGATOR: Final = TraceContextTextMapPropagator()
# Flag 1 says that the sender may have recorded its span: of others there is nothing to be found.
_SAMPLED: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf][ -~]*")


def trace_header(event: Event, parent: bytes | None, span: int) -> tuple[str, bytes]:
    """Where the event belongs in a trace (W3C Trace Context, `traceparent`).

    Without a parent it is this span in the trace of its correlation, else in one of its own, so
    that systems which pass an id on find everything that came of it; not sampled, since nobody
    recorded a span of it.
    """
    if parent is not None:
        return TRACE_HEADER, parent
    about = (event.meta["correlation_id"] or event.meta["event_id"]).replace("-", "")
    return TRACE_HEADER, f"00-{about}-{span:016x}-00".encode()


def new_span_id() -> int:
    """The id of a span that nobody recorded, 64 bits."""
    return _ids.getrandbits(64)


def new_trace_id() -> str:
    """The id of a trace that nobody began elsewhere, 32 hex digits."""
    return f"{_ids.getrandbits(128):032x}"


def current_traceparent() -> bytes | None:
    """The span in which we are, as a header tells it; None where we are in none."""
    # A look into a dictionary, without which each event would cost a microsecond more.
    return _traceparent(trace.get_current_span()) if context.get_current() else None


@contextmanager
def following(carrier: Mapping[str, str | None]) -> Iterator[None]:
    """Go on in the trace that headers (`traceparent`, in lower case) tell of, if they do."""
    given = {name: value for name, value in carrier.items() if value}
    if not given:
        yield
        return
    token = context.attach(_PROPAGATOR.extract(given, context.get_current()))
    try:
        yield
    finally:
        context.detach(token)


def is_recorded() -> bool:
    """Whether the program set up an SDK, which records spans."""
    return _tracer() is not None


@contextmanager
def serving(name: str, carrier: Mapping[str, str | None]) -> Iterator[None]:
    """A span over the answer to a request, in the trace that the request's headers tell of."""
    with following(carrier):
        if (tracer := _tracer()) is None:
            yield
            return
        with tracer.start_as_current_span(name, kind=SpanKind.SERVER):
            yield


class Emissions:
    """Spans of events on their way to a topic, from their acceptance to their receipt."""

    def __init__(self, topic: str) -> None:
        """Whether an SDK is set up is asked now, not for every event."""
        self._tracer = _tracer()
        self._name = f"send {topic}"
        self._attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.destination.name": topic,
        }

    def begin(self, event: Event, partition: int, receipt: asyncio.Future[Receipt]) -> bytes | None:
        """Begin the span of an event, which its receipt ends; gives the record's `traceparent`."""
        if self._tracer is None:
            return current_traceparent()
        span = self._tracer.start_span(
            self._name,
            kind=SpanKind.PRODUCER,
            attributes={
                **self._attributes,
                "messaging.destination.partition.id": str(partition),
                "messaging.kafka.message.key": event.subject,
                "runut.event.id": event.event_id,
                "runut.event.type": event.type,
                "runut.agency": event.agency,
            },
        )
        receipt.add_done_callback(partial(_end, span))
        return _traceparent(span)


@contextmanager
def processing(topic: str, group: str, headers: Iterable[Headers]) -> Iterator[None]:
    """A span over the processing of some records, linked to those of them that were traced.

    None where none was, or where nobody asks: `headers` are looked at only with an SDK.
    """
    tracer = _tracer()
    traced = () if tracer is None else filter(None, map(_sampled, headers))
    links = [Link(one) for one in islice(traced, MAX_LINKS)]
    if tracer is None or not links:
        yield
        return
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "project",
        "messaging.destination.name": topic,
        "messaging.consumer.group.name": group,
    }
    with tracer.start_as_current_span(
        f"project {topic}", kind=SpanKind.CONSUMER, links=links, attributes=attributes
    ):
        yield


def _tracer() -> Tracer | None:
    """What records spans; None where the program set up no SDK."""
    tracer = trace.get_tracer(SCOPE)
    return None if isinstance(tracer, trace.ProxyTracer | trace.NoOpTracer) else tracer


def _traceparent(span: Span) -> bytes | None:
    found = span.get_span_context()
    if not found.is_valid:
        return None
    ids = f"{trace.format_trace_id(found.trace_id)}-{trace.format_span_id(found.span_id)}"
    return f"00-{ids}-{found.trace_flags:02x}".encode()


def _sampled(headers: Headers) -> SpanContext | None:
    for name, value in headers:
        if name == TRACE_HEADER:
            if value is None or not _SAMPLED.fullmatch(value):
                return None
            carrier = {TRACE_HEADER: value.decode()}
            found = trace.get_current_span(_PROPAGATOR.extract(carrier)).get_span_context()
            return found if found.is_valid else None
    return None


def _end(span: Span, receipt: asyncio.Future[Receipt]) -> None:
    if receipt.cancelled():
        span.set_status(StatusCode.ERROR, "given up")
    elif (error := receipt.exception()) is not None:
        span.record_exception(error)
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(StatusCode.ERROR, str(error))
    else:
        span.set_attribute("messaging.kafka.offset", receipt.result().offset)
    span.end()
