"""How answers are sent: as JSON, CSV or JSON Lines, whole or page by page, or not again.

Owns headers: what an answer was made from (`Runut-…`), what it is a version of (`ETag`), where the
list goes on (`Link`). Documents are sent as `projections` makes them, and name their origin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

import msgspec
import orjson
from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dashboard.tabular import csv_head, csv_lines, json_lines
from projections.origins import with_origin
from projections.portraits import Document
from projections.versions import Origin

Format = Literal["json", "csv", "jsonl"]

MEDIA_TYPES: Final[Mapping[Format, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/jsonl",
}
_ACCEPTED: Final[Mapping[str, Format]] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
}


def format_asked(request: Request, wanted: Format | None) -> Format:
    """By `?format=`, else the first of Accept that we can give, else JSON."""
    if wanted is not None:
        return wanted
    ranges = [one.split(";") for one in request.headers.get("accept", "").split(",")]
    names = [name.strip().lower() for name, *_ in sorted(ranges, key=_quality)]
    return next((_ACCEPTED[name] for name in names if name in _ACCEPTED), "json")


def _quality(media_range: Sequence[str]) -> float:
    """To sort by: what is wanted more comes first; what stands first stays so."""
    for parameter in media_range[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return -float(value)
            except ValueError:
                return 0.0
    return -1.0


def etag(*parts: Any) -> str:
    """A weak validator of what these parts decide."""
    return f'W/"{sha256(msgspec.json.encode(parts)).hexdigest()[:24]}"'


def is_known(request: Request, tag: str, *, is_there: bool = False) -> bool:
    """Whether who asks has this version already, by weak comparison (RFC 9110 §13.1.2).

    `*` is any version, of what is known to be there.
    """
    given = {one.strip() for one in ",".join(request.headers.getlist("if-none-match")).split(",")}
    if "*" in given:
        return is_there
    return _opaque(tag) in map(_opaque, given)


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")


def headers_of(origin: Origin, tag: str | None = None) -> dict[str, str]:
    """Headers that every answer has."""
    at = ",".join(f"{one}:{offset}" for one, offset in sorted(origin.positions.items()))
    return {
        "Runut-Positions": at,
        "Runut-Model": origin.model_version,
        **({"Runut-Checkpoint": origin.checkpoint} if origin.checkpoint else {}),
        **({"ETag": tag} if tag else {}),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
    }


def document_answer(request: Request, document: Any, origin: Origin, tag: str) -> Response:
    """A document as JSON, with what it was made from; not again to who has it already."""
    if is_known(request, tag, is_there=True):
        return not_modified(origin, tag)
    content = orjson.dumps(with_origin(document, origin))
    return Response(content, headers=headers_of(origin, tag), media_type=MEDIA_TYPES["json"])


def not_modified(origin: Origin, tag: str) -> Response:
    """Who asks has it already."""
    return Response(status_code=304, headers=headers_of(origin, tag))


def page_answer(
    items: Sequence[Document],
    columns: Sequence[str],
    form: Format,
    origin: Origin,
    *,
    tag: str | None = None,
    link: str | None = None,
) -> Response:
    """A page of a list; `link` is where the next one is."""
    headers = headers_of(origin, tag) | ({"Link": f'<{link}>; rel="next"'} if link else {})
    if form == "json":
        content = orjson.dumps(list(items))
    else:
        content = _head(form, columns) + _lines(items, columns, form)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[form])


class Chunks(NamedTuple):
    """A download under way: from what it is made, and its items some at a time."""

    origin: Origin
    tag: str
    items: AsyncIterator[Sequence[Document]]


class Download(StreamingResponse):
    """A whole list, sent as it is read: memory holds some items at a time.

    What fails until the first of them are there is answered as a problem; later, the connection
    ends before the answer does.
    """

    def __init__(
        self,
        opened: Callable[[], AbstractAsyncContextManager[Chunks]],
        columns: Sequence[str],
        form: Format,
        name: str,
    ) -> None:
        super().__init__(_nothing(), media_type=MEDIA_TYPES[form])
        self._opened = opened
        self._columns = columns
        self._form: Format = form
        self.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._opened() as chunks:
            if is_known(Request(scope), chunks.tag, is_there=True):
                await not_modified(chunks.origin, chunks.tag)(scope, receive, send)
                return
            first = await anext(chunks.items, ())
            self.headers.update(headers_of(chunks.origin, chunks.tag))
            self.body_iterator = self._content(first, chunks.items)
            await super().__call__(scope, receive, send)

    async def _content(
        self, first: Sequence[Document], others: AsyncIterator[Sequence[Document]]
    ) -> AsyncIterator[bytes]:
        yield _head(self._form, self._columns) + _lines(first, self._columns, self._form)
        async for some in others:
            yield _lines(some, self._columns, self._form)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _head(form: Format, columns: Sequence[str]) -> bytes:
    return csv_head(columns) if form == "csv" else b""


def _lines(items: Sequence[Document], columns: Sequence[str], form: Format) -> bytes:
    return csv_lines(items, columns) if form == "csv" else json_lines(items)
