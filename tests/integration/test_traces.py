"""One trace from whoever emits to the projection, through a real Kafka and PostgreSQL."""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.trace import SpanContext

from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters.postgres import Connection
from runut.events import ContactLogged
from runut.settings import Settings
from tests.integration.test_projector import DEADLINE_S, projecting
from tests.spans import tracing


class Place(NamedTuple):
    """Where a span stands."""

    trace_id: int
    span_id: int


def place(found: SpanContext | None) -> Place:
    assert found is not None
    return Place(found.trace_id, found.span_id)


def contact(number: int) -> ContactLogged:
    return ContactLogged(
        contact_id=f"c-{number}", mode="PHONE", direction="OUTGOING", summary="Ditelepon."
    )


async def test_the_trace_of_an_emission_is_the_one_that_its_projection_is_linked_to(
    ledger: Settings, connection: Connection
) -> None:
    with tracing() as spans:
        async with projecting(ledger), Producer(ledger) as producer:
            with spans.tracer.start_as_current_span("a clerk's click") as click:
                receipt = await producer.emit(contact(1), subject="case/A", agency="kp2mi")
            await producer.emit(contact(2), subject="case/B", agency="kp2mi")
            ends = {receipt.partition: receipt.offset}
            assert await wait_until_projected(connection, ends, deadline_s=DEADLINE_S)
        sent = [place(one.get_span_context()) for one in spans.named("send")]
        projected = [place(link.context) for one in spans.named("project") for link in one.links]
    first, _ = sent
    assert first.trace_id == place(click.get_span_context()).trace_id
    assert first in projected
    assert set(projected) <= set(sent)
