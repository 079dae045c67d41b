"""Rows of the stable views one after another: letters, transfers, fines and the like.

Owns which views there are to turn over page by page, by which key and with which filters; what a
column means says the view itself. Within a snapshot of the caller's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from functools import cache
from typing import Any, Final, LiteralString

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from projections.portraits import Document, plain
from projections.queries import queries
from projections.rights import Sight, with_rights
from runut.adapters.postgres import Connection

AT_ONCE: Final = 200
"""Rows that are read together."""

_SQL: Final = queries("registers")


class Register(msgspec.Struct, frozen=True):
    """A view whose rows belong to subjects."""

    view: LiteralString
    key: str
    """What finds a row again within its subject."""
    filters: tuple[str, ...]
    """Beside `subject`, which all have."""
    before_first: str | int = ""
    """Less than any key."""


_NO_UUID: Final = "00000000-0000-0000-0000-000000000000"
REGISTERS: Final[Mapping[str, Register]] = {
    "letters": Register("letter", "letter_id", ("sender", "to")),
    "transfers": Register("transfer", "transfer_id", ("from", "to", "status")),
    "contacts": Register("contact", "contact_id", ("agency", "with")),
    "assistance": Register("assistance", "assistance_id", ("provider", "requester", "status")),
    "decisions": Register("decision", "decision_id", ("meeting", "agency")),
    "fines": Register("fine", "fine_id", ("debtor", "status")),
    "custody": Register("custody_interval", "n", ("agency",), 0),
    "data-shares": Register("data_share", "event_id", ("agency", "to"), _NO_UUID),
}
"""By the name of its list."""

Key = tuple[str, str | int]
"""Subject and key of a row."""


def key_of(register: Register, row: Document) -> Key:
    """Where the list goes on behind a row."""
    return row["subject"], row[register.key]


async def rows(
    connection: Connection,
    views_schema: str,
    register: Register,
    wanted: Mapping[str, str | None],
    *,
    sight: Sight,
    after: Key | None = None,
    limit: int | None = None,
) -> AsyncGenerator[Document]:
    """Rows as JSON has them, by subject and key, behind `after`.

    So many at least, where there are so many; without `limit` all.
    """
    at_once = limit or AT_ONCE
    query = query_of(register.view, views_schema)
    after = after or ("", register.before_first)
    while True:
        asked: dict[str, Any] = {
            **{name: wanted.get(name) for name in ("subject", *register.filters)},
            "after_subject": after[0],
            "after": after[1],
            "limit": at_once,
            "limited_to": sight.limited_to,
        }
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, asked)
            found = await cursor.fetchall()
        for one in found:
            yield {name: plain(value) for name, value in one.items()}
        if len(found) < at_once:
            return
        after = key_of(register, found[-1])


@cache
def query_of(view: LiteralString, views_schema: str) -> bytes:
    """The query of a register."""
    return with_rights(_SQL[view], views=sql.Identifier(views_schema))
