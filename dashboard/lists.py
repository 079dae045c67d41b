"""Answer with a list: a page of it, or all of it as a download.

Owns how items become pages. What may not be told is taken out of each, and what is guarded and told
is written down before it is sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

from fastapi import Response
from pydantic import BaseModel

from dashboard.answers import Chunks, Download, etag, is_known, not_modified, page_answer
from dashboard.asking import Ask, Page
from dashboard.cursors import decode_cursor, encode_cursor
from dashboard.reads import Reading
from projections.portraits import Document
from projections.versions import ledger_version

K = TypeVar("K")

AT_ONCE: Final = 200
"""Items of a download that are sent together."""

Documents = AsyncGenerator[Document]
Items = Callable[[Reading, K | None, int | None], AsyncGenerator[Any]]
"""Items behind a key: at least so many, where there are so many; with None all of them."""
Tell = Callable[[Reading, Sequence[Any]], Awaitable[Sequence[Document]]]
"""Makes documents of items, for who asks."""
Version = Callable[[Reading], Awaitable[Any]]
"""Something that is another whenever the list may be."""
OpenReading = Callable[[AsyncExitStack], Awaitable[Reading]]


class Listing(Generic[K]):
    """A list of one kind of document."""

    def __init__(
        self, name: str, document: type[BaseModel], key: type[K], key_of: Callable[[Document], K]
    ) -> None:
        """Take what it is called and what is in it.

        Args:
            name: of the file that a download becomes.
            document: what it lists; its fields are the columns of CSV.
            key: type of the key by which it is ordered.
            key_of: the key of a document.
        """
        self.name = name
        self.columns = tuple(field.alias or name for name, field in document.model_fields.items())
        self._key = key
        self._key_of = key_of

    def place(self, page: Page) -> K | None:
        """Behind which key a page begins.

        Raises:
            FieldError: its cursor is none of this list.
        """
        return None if page.cursor is None else decode_cursor(page.cursor, self._key)

    def cursor(self, last: Document) -> str:
        """The cursor behind a document."""
        return encode_cursor(self._key_of(last))


async def tell_documents(reading: Reading, items: Sequence[Document]) -> Sequence[Document]:
    """Documents about subjects, without what may not be told."""
    subjects = {one["subject"] for one in items}
    told: list[Document] = await reading.told(list(items), subjects) if subjects else []
    return told


async def _of_ledger(reading: Reading) -> Any:
    return await ledger_version(reading.connection, reading.moment.now)


async def answer_list(
    ask: Ask,
    page: Page,
    listing: Listing[K],
    items: Items[K],
    as_of: datetime | None = None,
    *,
    tell: Tell = tell_documents,
    version: Version = _of_ledger,
    of_one_subject: bool = False,
) -> Response:
    """A page of a list, or a download of all of it, as was asked.

    As of a past moment the reading has the tables of then, unless one subject's history is enough.

    Raises:
        FieldError: the cursor is none of this list.
        Busy: too many ask for such things at present.
    """
    place, limit = listing.place(page), page.limit
    open_reading = partial(_open, ask, as_of, of_one_subject)

    async def tag_of(reading: Reading) -> str:
        return etag(await version(reading), *ask.asker.known_as, *_asked(ask, page))

    if limit is None:
        opened = _opening(ask, items, place, open_reading, tell, tag_of)
        return Download(opened, listing.columns, page.form, listing.name)
    async with AsyncExitStack() as stack:
        reading = await open_reading(stack)
        tag = await tag_of(reading)
        if is_known(ask.request, tag, is_there=True):
            return not_modified(reading.origin, tag)
        found = await _first(items(reading, place, limit + 1), limit + 1)
        told = await tell(reading, found[:limit])
    more = len(found) > limit
    link = page.link(ask.request, listing.cursor(told[-1])) if more else None
    return page_answer(told, listing.columns, page.form, reading.origin, tag=tag, link=link)


def _asked(ask: Ask, page: Page) -> tuple[str, str, str]:
    return ask.request.url.path, ask.request.url.query, page.form


async def _open(
    ask: Ask, as_of: datetime | None, of_one_subject: bool, stack: AsyncExitStack
) -> Reading:
    open_reading = ask.reads.open if of_one_subject else ask.reads.open_at
    return await stack.enter_async_context(open_reading(ask.asker, as_of))


def _opening(
    ask: Ask,
    items: Items[K],
    place: K | None,
    open_reading: OpenReading,
    tell: Tell,
    tag_of: Callable[[Reading], Awaitable[str]],
) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Chunks]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(ask.reads.downloads.taken())
            reading = await open_reading(stack)
            tag = await tag_of(reading)
            whole = _whole(reading, items, place, tell)
            yield Chunks(reading.origin, tag, await stack.enter_async_context(aclosing(whole)))

    return opened


async def _whole(
    reading: Reading, items: Items[K], place: K | None, tell: Tell
) -> AsyncGenerator[Sequence[Document]]:
    some: list[Any] = []
    async with aclosing(items(reading, place, None)) as found:
        async for item in found:
            some.append(item)
            if len(some) == AT_ONCE:
                yield await tell(reading, some)
                some = []
    yield await tell(reading, some)


async def _first(items: AsyncGenerator[Any], limit: int) -> list[Any]:
    found: list[Any] = []
    async with aclosing(items):
        async for item in items:
            found.append(item)
            if len(found) == limit:
                break
    return found
