"""`runut emit`: one event from a person's hand, with its verdict in advance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from cli.common import Json, print_json, run
from cli.given_event import (
    About,
    Emitter,
    EventTypeName,
    OccurredAt,
    PayloadOrDirectory,
    given_event,
    payload_and_directory,
)
from cli.look import read_models
from projections.foresight import verdict_in_advance
from projections.portraits import Document
from projections.reading import history_entry, load_directory
from projections.waiting import wait_until_projected
from runut.errors import Refused
from runut.event import Event
from runut.keystore import KeyStore
from runut.lanes import Receipt
from runut.outgoing import demand_agencys, draft_of
from runut.producer import Producer
from runut.settings import Settings, load_settings

WAIT_S = 30.0
_NOT_SENT: Final = {**dict.fromkeys(Receipt.__struct_fields__), "verdict": "IRREGULAR"}
"""Where a receipt would be, in the document of an event that was refused."""


def emit(
    event_type: EventTypeName,
    subject: About,
    agency: Emitter,
    data: PayloadOrDirectory = None,
    occurred_at: OccurredAt = None,
    force: Annotated[bool, typer.Option(help="Send it even if it would be irregular.")] = False,
    as_json: Json = False,
) -> None:
    """Emit one event, signed with the agency's local key.

    Refused with its codes when the verdict would be irregular, unless --force is given. Waits
    until it is projected and shows the verdict.

    Example: runut emit CaseVerified --subject case/X --agency kp2mi
    --data '{"result": "VERIFIED", "note": "Sesuai."}'
    """
    payload, directory = payload_and_directory(data or [])
    event = given_event(event_type, subject, agency, payload, occurred_at)
    try:
        receipt, entry = run(_emit(load_settings(directory), event, force=force))
    except Refused as refused:
        if as_json:
            about = {"event_id": event.event_id, "subject": event.subject}
            print_json({**_NOT_SENT, **about, "codes": refused.codes})
        raise
    if as_json:
        print_json({**msgspec.to_builtins(receipt), **_verdict(entry)})
        return
    if entry is None:
        said = f"published, not projected within {WAIT_S:g} s; look at: runut status"
    else:
        said = " ".join([entry["verdict"], *entry["codes"]])
    typer.echo(f"{event.type} on {event.subject}: {said}")
    typer.echo(f"event {receipt.event_id} at partition {receipt.partition}, {receipt.offset}")


def _verdict(entry: Document | None) -> dict[str, Any]:
    """The verdict that the event got; null where it is not projected yet."""
    if entry is None:
        return {"verdict": None, "codes": []}
    return {"verdict": entry["verdict"], "codes": entry["codes"]}


async def _emit(
    settings: Settings, event: Event, *, force: bool
) -> tuple[Receipt, Document | None]:
    demand_agencys(draft_of(event))  # nothing else has a verdict
    async with read_models(settings) as connection:
        directory = await load_directory(connection)
        foreseen = await verdict_in_advance(connection, directory, event, datetime.now(UTC))
        if foreseen.verdict == "IRREGULAR" and not force:
            raise Refused(event.type, event.subject, foreseen.codes)
        async with Producer(settings, keys=KeyStore(settings.keys)) as producer:
            receipt = await (await producer.send(event))
        place = {receipt.partition: receipt.offset}
        projected = await wait_until_projected(connection, place, deadline_s=WAIT_S)
        if not projected:
            return receipt, None
        return receipt, await history_entry(connection, receipt.partition, receipt.offset)
