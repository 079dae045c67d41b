"""One trace from whoever emits to the projection, through a real Kafka and PostgreSQL."""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.trace import SpanContext

from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters.postgres import Connection
from runut.events import ContactLogged
from runut.settings import Settings
from tests import outboxes
from tests.integration.logs import read_log
from tests.integration.test_projector import DEADLINE_S, projecting
from tests.outboxes import AgencyDatabase, Row
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


async def test_the_trace_of_an_outbox_row_goes_on_in_its_record(
    ledger: Settings, database: AgencyDatabase, app: outboxes.Connection
) -> None:
    header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await outboxes.insert(app, Row("case/A", 1, meta={"traceparent": header}), Row("case/A", 2))
    await outboxes.relay_all(ledger, database)
    log = await read_log(ledger)
    first, second = (dict(one.headers) for one in log.records if one.key == b"case/A")
    assert first["traceparent"] == header.encode()
    assert (second["traceparent"] or b"").endswith(b"-00")
