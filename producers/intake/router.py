"""POST /events and POST /events/batch: from requests to the gateway and back.

Owns what is HTTP: media types, headers, statuses. Bodies are read as bytes and by
`runut.json_form`; no model of theirs is built on the way, and no dependency is solved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from producers.intake import openapi
from producers.intake.accepting import Accepting
from producers.intake.batch import Batch
from producers.intake.gateway import WAIT_S, Gateway, Ready, Taken
from producers.intake.given import given_event, given_record, signature_headers
from producers.intake.incoming import Incoming
from producers.intake.openapi import (
    IDEMPOTENCY_KEY,
    KEY_ID,
    NDJSON,
    RECORD,
    SIGNATURE,
)
from producers.intake.streaming import BatchResponse
from runut.access import Principal, require_emitter, require_force, require_role
from runut.adapters.http import Direct, pace, principal, problem_response, spend, unsupported
from runut.errors import Busy, FieldError, NotRecorded, Unreachable
from runut.event import AgencyCode, Event
from runut.personal_data import findings
from runut.problems import problem_of

BATCHES_AT_ONCE: Final = 8
"""Each may hold some megabytes."""
AGAIN_S: Final = 2.0
Endpoint = Callable[[Request], Awaitable[Response]]
_KEY_ID: Final = KEY_ID.lower().encode()
_SIGNATURE: Final = SIGNATURE.lower().encode()
_IDEMPOTENCY_KEY: Final = IDEMPOTENCY_KEY.lower().encode()
_LINES: Final = {NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines"}


def add_intake(app: FastAPI, gateway: Callable[[], Gateway], prefix: str) -> None:
    """Add the routes of a gateway to an app, and what its OpenAPI document says of them.

    The gateway is asked for with each request, such as `Door.gateway`.
    """
    routes = _Routes(gateway)
    added = [
        _route(f"{prefix}/events", routes.post_event, openapi.single()),
        _route(f"{prefix}/events/batch", routes.post_batch, openapi.batch()),
    ]
    app.router.routes += added
    app.add_middleware(Direct, routes=added)
    openapi.describe_events(app)


def _route(path: str, endpoint: Endpoint, described: dict[str, Any]) -> APIRoute:
    return APIRoute(path, endpoint, methods=["POST"], tags=["events"], **described)


class _Answer(Response):
    """A JSON document, and where its receipt can be had again; made without detours."""

    background = None

    def __init__(self, status: int, body: bytes, location: str) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"location", location.encode()),
        ]


class _Routes:
    def __init__(self, gateway: Callable[[], Gateway]) -> None:
        self._gateway = gateway
        self._batches = asyncio.Semaphore(BATCHES_AT_ONCE)

    async def post_event(self, request: Request) -> Response:
        """Take one event. It is refused with its codes where it would be irregular."""
        who = await _emitter(request)
        spend(request, who)
        incoming = Incoming(request.scope, request.receive)
        force = incoming.force
        if force:
            require_force(who)
        gateway = self._gateway()
        ready, by_key = await _ready(gateway, incoming, who)
        try:
            taken = await gateway.take(ready, force=force, by_key=by_key)
        except (Busy, NotRecorded, Unreachable) as error:
            # Who gave no id has to send it with this one, else it might be recorded twice.
            return problem_response(problem_of(error, event_id=ready.event.event_id))
        return _answer(taken)

    async def post_batch(self, request: Request) -> Response:
        """Take one event a line, whatever its verdict; a result for each line, as they come."""
        who = await _emitter(request)
        media_type = Incoming(request.scope, request.receive).media_type
        if media_type not in _LINES:
            raise unsupported(media_type, NDJSON)
        if self._batches.locked():
            raise Busy(f"{BATCHES_AT_ONCE} batches are under way", AGAIN_S)
        gateway = self._gateway()
        lines = Accepting(gateway, partial(_demand_admissible, who))
        batch = Batch(lines.accept, gateway.receipts, wait_s=WAIT_S)
        return BatchResponse(batch, partial(pace, request, who), self._batches)


async def _emitter(request: Request) -> Principal:
    who = await principal(request)
    require_role(who, "EMITTER")
    return who


async def _ready(gateway: Gateway, incoming: Incoming, who: Principal) -> tuple[Ready, str | None]:
    media_type = incoming.media_type
    if media_type not in {openapi.JSON, RECORD}:
        raise unsupported(media_type, f"{openapi.JSON} or {RECORD}")
    body = await incoming.body()
    if media_type == RECORD:
        ready = gateway.prepare(given_record(body))
        _demand_admissible(who, ready.event)
        return ready, None
    key_id, signature = incoming.header(_KEY_ID), incoming.header(_SIGNATURE)
    given = given_event(
        body,
        signature=signature_headers(key_id, signature, (KEY_ID, SIGNATURE)),
        key=incoming.header(_IDEMPOTENCY_KEY),
        agency=who.agency or AgencyCode(""),
        ids=gateway.ids,
    )
    _demand_admissible(who, given.event)
    return gateway.prepare(given), given.by_key


def _answer(taken: Taken) -> Response:
    shown = msgspec.json.encode(taken.receipt)
    foreseen = msgspec.json.encode(taken.foreseen)
    is_new = taken.foreseen is not None
    return _Answer(
        HTTPStatus.CREATED if is_new else HTTPStatus.OK,
        b'%b,"foreseen":%b}' % (shown[:-1], foreseen),
        f"receipts/{taken.receipt.event_id}",
    )


def _demand_admissible(who: Principal, event: Event) -> None:
    """Pass an event that who asks may emit, and in which no personal data stands in the clear."""
    require_emitter(who, event.agency)
    for found in findings(event):
        raise FieldError(found.field, "no personal data in the clear", found.shown)
