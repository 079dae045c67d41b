"""/audit: seals, the proof of one event, and bundles that somebody wants verified."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, File, Form, Response, UploadFile
from starlette.responses import RedirectResponse

from dashboard.pages import cookies
from dashboard.pages.addresses import address
from dashboard.pages.frame import HEADERS, Frame, Reader
from dashboard.pages.routing import page_router
from dashboard.pages.seals import newest_seal
from dashboard.proofs import EventId
from projections.seals.documents import inclusion_document
from projections.seals.log import SignedSeal, seal_at
from projections.seals.receipts import find_place, prove_inclusion
from runut.errors import BadInput, NotFound

SEALS: Final = 20
"""The newest, on the page."""
VERIFY: Final = "/audit/verify"
"""Takes a bundle, which may be larger than other bodies."""


def routes() -> APIRouter:
    """The routes."""
    router = page_router()
    router.add_api_route("/audit", audit)
    router.add_api_route("/audit/events/{event_id}", proof)
    router.add_api_route(VERIFY, verify, methods=["POST"])
    router.add_api_route(VERIFY, again)
    return router


async def audit(frame: Reader) -> Response:
    """The newest seals, and where a bundle can be given in."""
    return await _page(frame)


async def verify(
    frame: Reader,
    form_token: Annotated[str, Form(max_length=200)],
    bundle: Annotated[UploadFile, File()],
) -> Response:
    """What became of each step of a bundle's verification; nothing of it is kept."""
    cookies.require_own_form(frame.request, form_token)
    content = await bundle.read()
    async with frame.site.reads.downloads.taken():
        try:
            found = await frame.site.verify(content)
        except BadInput as error:
            found = {"result": "FAILED", "what": error.thing, "reason": str(error), "step": 0}
    return await _page(frame, found, bundle.filename)


async def again(frame: Reader) -> Response:
    """Back to where bundles are given in, with what else was asked: nothing is kept of the last."""
    return RedirectResponse(address("/audit", **frame.request.query_params), 303, HEADERS)


async def proof(frame: Reader, event_id: EventId) -> Response:
    """The proof that an event is in the sealed log."""
    settings = frame.site.settings
    async with frame.open(alone=False) as reading:
        place = await find_place(reading.connection, settings, event_id)
        found = await prove_inclusion(reading.connection, settings, place)
    return frame.page("proof.html", reading, proof=inclusion_document(found))


async def _page(
    frame: Frame, verified: dict[str, Any] | None = None, name: str | None = None
) -> Response:
    async with frame.open() as reading:
        newest = await newest_seal(reading.connection)
        seals: list[SignedSeal] = []
        if newest is not None:
            last = newest.seal.index
            seals = [newest]
            for index in range(last - 1, max(-1, last - SEALS), -1):
                try:
                    seals.append(await seal_at(reading.connection, index))
                except NotFound:  # signed only after the next one
                    continue
    return frame.page("audit.html", reading, seals=seals, verified=verified, name=name)
