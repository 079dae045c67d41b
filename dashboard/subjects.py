"""GET /subjects: cases, meetings, agreements, agents, programmes, and what happened to each.

The documents are those of `runut case --json` and `runut history --json` (interfaces.md). What may
not be seen is not found.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel

from dashboard.answers import document_answer, etag, is_known, not_modified
from dashboard.asking import (
    AgencyFilter,
    Ask,
    Asked,
    AsOf,
    ByTime,
    CommitmentId,
    Country,
    Paged,
    SubjectId,
    Word,
)
from dashboard.documents import (
    Agent,
    Agreement,
    Case,
    HistoryLine,
    Meeting,
    Programme,
    Subject,
    SubjectKind,
    SubjectSummary,
)
from dashboard.lists import AT_ONCE, Documents, Listing, answer_list
from dashboard.openapi import document, listed
from dashboard.owing_documents import Explanation
from dashboard.reads import Reading
from projections.batch import HistoryEntry
from projections.guarded import withhold_entry
from projections.listing import SUMMARISED, SubjectsWanted, states, summary
from projections.owing import explanation
from projections.portraits import SHOWN, Document
from projections.present import Seen
from projections.reading import (
    By,
    load_entries,
    load_some_entries,
    subject_state,
    subject_state_as_of,
)
from projections.render import render_entry, render_state
from projections.rights import not_there, require_visible
from projections.telling import guarded
from projections.versions import Origin, subject_version

WHOLE: Final[dict[str, tuple[SubjectKind, type[BaseModel]]]] = {
    "cases": ("case", Case),
    "meetings": ("meeting", Meeting),
    "agreements": ("agreement", Agreement),
    "agents": ("agent", Agent),
    "programmes": ("programme", Programme),
}
"""Lists of one kind of subject, each as it is shown alone."""

STATE: Final = "/subjects/{kind}/{ident}"

_HISTORY: Final = Listing("history", HistoryLine, int, lambda line: int(line["seq"]))
_SUMMARIES: Final = Listing("subjects", SubjectSummary, str, lambda one: str(one["subject"]))


async def _wanted(
    status: Word = None,
    custodian: AgencyFilter = None,
    participant: AgencyFilter = None,
    category: Word = None,
    urgency: Word = None,
    country: Country = None,
    overdue: Annotated[
        bool | None, Query(description="Whether something on it is owed and past its limit.")
    ] = None,
) -> SubjectsWanted:
    """What subjects have to be like."""
    return SubjectsWanted(
        status=status,
        custodian=custodian,
        participant=participant,
        category=category,
        urgency=urgency,
        country=country,
        overdue=overdue,
    )


Wanted = Annotated[SubjectsWanted, Depends(_wanted)]


def routes() -> APIRouter:
    """The routes; the request's state has what they need."""
    router = APIRouter(tags=["subjects"])
    for path, (kind, model) in WHOLE.items():
        router.add_api_route(f"/{path}", _whole(path, kind, model), **listed(model))
    router.add_api_route("/subjects", summaries, **listed(SubjectSummary))
    router.add_api_route(STATE, state, **document(Subject))
    router.add_api_route("/subjects/{kind}/{ident}/history", history, **listed(HistoryLine, 404))
    router.add_api_route(
        "/subjects/{kind}/{ident}/commitments/{commitment_id}/explanation",
        explained,
        **document(Explanation),
    )
    return router


async def state(
    ask: Asked, kind: SubjectKind, ident: SubjectId, as_of: AsOf = None, by: ByTime = "recorded"
) -> Response:
    """The state of a subject, now or as of a past moment: `runut case --json`."""
    subject = f"{kind}/{ident}"
    if as_of is None:
        return await state_now(ask, subject)
    return await _state_from_snapshot(ask, subject, as_of, by)


async def state_now(ask: Ask, subject: str) -> Response:
    """The present state of a subject, in one journey where nothing on it is guarded."""
    checkpoint = await ask.reads.latest_checkpoint()
    found = await ask.reads.present(Seen(subject, ask.asker.sight.limited_to))
    if found is None:
        raise not_there(subject)
    if found.is_guarded:
        return await _state_from_snapshot(ask, subject)
    now, origin = ask.reads.now(), Origin(found.positions, checkpoint)
    tag = _tag(ask, [found.version(now), found.directory_size])
    if is_known(ask.request, tag):
        return not_modified(origin, tag)
    return document_answer(ask.request, render_state(found.standing, now, None), origin, tag)


async def _state_from_snapshot(
    ask: Ask, subject: str, as_of: datetime | None = None, by: By = "recorded"
) -> Response:
    async with ask.reads.open(ask.asker, as_of) as reading:
        await require_visible(reading.connection, subject, ask.asker.sight)
        tag = _tag(ask, await _version(reading, subject))
        if is_known(ask.request, tag):
            return not_modified(reading.origin, tag)
        found = await _state(reading, subject, by)
        told = await reading.told(found, {subject})
    return document_answer(ask.request, told, reading.origin, tag)


async def history(
    ask: Asked, page: Paged, kind: SubjectKind, ident: SubjectId, as_of: AsOf = None
) -> Response:
    """Every event of a subject with its verdict, in the order of the log: `runut history --json`.

    With `as_of` what was recorded until then, judged as it was then.
    """
    subject = f"{kind}/{ident}"

    async def version(reading: Reading) -> Any:
        await require_visible(reading.connection, subject, ask.asker.sight)
        return await _version(reading, subject)

    async def items(
        reading: Reading, after: int | None, limit: int | None
    ) -> AsyncGenerator[HistoryEntry]:
        await require_visible(reading.connection, subject, ask.asker.sight)
        some = _entries(reading, subject, after or 0, limit or AT_ONCE)
        async with aclosing(some):
            async for one in some:
                yield one

    async def tell(reading: Reading, entries: Sequence[HistoryEntry]) -> Sequence[Document]:
        return await told_lines(reading, subject, entries)

    return await answer_list(
        ask, page, _HISTORY, items, as_of, tell=tell, version=version, of_one_subject=True
    )


async def explained(
    ask: Asked, kind: SubjectKind, ident: SubjectId, commitment_id: CommitmentId
) -> Response:
    """Why a commitment is due when it is: `runut commitments --explain`."""
    subject = f"{kind}/{ident}"
    async with ask.reads.open(ask.asker) as reading:
        await require_visible(reading.connection, subject, ask.asker.sight)
        tag = _tag(ask, await _version(reading, subject))
        if is_known(ask.request, tag):
            return not_modified(reading.origin, tag)
        found = await explanation(
            reading.connection, commitment_id, subject, known=reading.moment.log
        )
        told = await reading.told(found, {subject})
    return document_answer(ask.request, told, reading.origin, tag)


async def summaries(
    ask: Asked,
    page: Paged,
    wanted: Wanted,
    kind: SubjectKind | None = None,
    as_of: AsOf = None,
) -> Response:
    """Subjects in which you take part, each on one line, by name."""
    asked = replace(wanted, kind=kind)

    async def items(reading: Reading, after: str | None, limit: int | None) -> Documents:
        some = states(
            reading.connection,
            reading.moment,
            asked,
            after=after or "",
            limit=limit,
            tables=SUMMARISED,
            then=reading.tables_then,
        )
        async with aclosing(some):
            async for one in some:
                yield summary(one)

    return await answer_list(ask, page, _SUMMARIES, items, as_of)


def _whole(path: str, kind: SubjectKind, model: type[BaseModel]) -> Any:
    listing = Listing(path, model, str, lambda one: str(one["subject"]))

    async def whole(ask: Asked, page: Paged, wanted: Wanted, as_of: AsOf = None) -> Response:
        asked = replace(wanted, kind=kind)

        def items(reading: Reading, after: str | None, limit: int | None) -> Documents:
            return states(
                reading.connection,
                reading.moment,
                asked,
                after=after or "",
                limit=limit,
                tables=SHOWN[kind],
                then=reading.tables_then,
            )

        return await answer_list(ask, page, listing, items, as_of)

    whole.__name__ = path
    whole.__doc__ = f"Subjects of the kind {kind} in which you take part, each whole, by name."
    return whole


def _tag(ask: Ask, version: Sequence[Any]) -> str:
    asked = ask.request.scope  # a whole URL takes longer to make than to compare
    return etag(version, *ask.asker.known_as, asked["path"], asked["query_string"])


async def _version(reading: Reading, subject: str) -> list[Any]:
    version = await subject_version(reading.connection, subject, reading.moment.now)
    return [version, reading.moment.log.size]  # sentences tell agencies' names


async def _state(reading: Reading, subject: str, by: By) -> Document:
    moment = reading.moment
    if moment.as_of is None:
        return await subject_state(reading.connection, subject, moment.now)
    return await subject_state_as_of(
        reading.connection, subject, moment.as_of, by, known=moment.log
    )


async def _entries(
    reading: Reading, subject: str, after_seq: int, at_once: int
) -> AsyncGenerator[HistoryEntry]:
    """Lines behind a number, in order."""
    connection, moment = reading.connection, reading.moment
    if moment.as_of is not None:
        known = await load_entries(connection, subject, moment.log.at, moment.as_of)
        for one in known[after_seq:]:
            yield one
        return
    while True:
        some = await load_some_entries(
            connection, subject, moment.log.at, after_seq=after_seq, limit=at_once
        )
        for one in some:
            yield one
        if len(some) < at_once:
            return
        after_seq = some[-1].seq


async def told_lines(
    reading: Reading, subject: str, entries: Sequence[HistoryEntry]
) -> Sequence[Document]:
    """Lines of a history, without what may not be told to who asks; what is told is recorded."""
    found = await guarded(reading.connection, [subject], reading.asker.sight, reading.moment.log)
    shown = [one for one in entries if found.is_guarded(one) and found.is_told(one)]
    await reading.record([one.recorded for one in shown])
    directory = reading.moment.log.latest
    return [
        line if found.is_told(one) else withhold_entry(line, one.recorded.event.meta["security"])
        for one in entries
        for line in (render_entry(one, directory),)
    ]
