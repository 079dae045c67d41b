"""`runut case`, `history`, `commitments` and `agency`: what PostgreSQL knows, now or in the past.

Reads only. With --json exactly the documents of interfaces.md, else tables in the reader's
language and time zone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import psycopg
import typer
from rich.console import Console, RenderableType

from cli import tables
from cli.common import Data, Json, print_json, run
from cli.labels import default_language
from projections import owing, reading
from projections.reading import By
from projections.sentences import LOCAL_ZONE
from projections.wording import Lang, Voice
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.errors import BadInput, Unreachable
from runut.event import LEDGER_KINDS, is_subject
from runut.rfc3339 import parse_time
from runut.settings import Settings, load_settings

PAGE_WIDTH: Final = 160
"""Columns of tables that go to a file or another program."""


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except BadInput as error:
        raise typer.BadParameter(f"expected {error.expected}; found {text!r}") from None


def _subject(text: str) -> str:
    if not is_subject(text):
        kinds = ", ".join(sorted(LEDGER_KINDS))
        raise typer.BadParameter(
            f"expected KIND/ID such as case/KP2MI-2025-0001, KIND being one of {kinds}; "
            f"found {text!r}"
        )
    return text


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(
            f"expected a time zone such as Asia/Jakarta or Asia/Makassar; found {text!r}"
        ) from None


Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", parser=_subject, help="Such as case/KP2MI-2025-0001.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="T",
        parser=_moment,
        help="As of a past moment, with its offset: 2025-05-08T10:00:00+07:00. Default: now.",
    ),
]
Language = Annotated[
    Lang | None,
    typer.Option(
        "--lang",
        envvar="RUNUT_LANG",
        help="Language of tables. Default: that of the locale, Indonesian where it has none.",
        show_default=False,
    ),
]
Zone = Annotated[
    ZoneInfo | None,
    typer.Option(
        "--zone",
        envvar="RUNUT_ZONE",
        metavar="ZONE",
        parser=_zone,
        help="Time zone of tables. Default: Asia/Jakarta.",
        show_default=False,
    ),
]


class Manner(msgspec.Struct, frozen=True):
    """How a person wants to read: language and time zone, None for the defaults."""

    lang: Lang | None = None
    zone: ZoneInfo | None = None


USUAL: Final = Manner()


def case(
    subject: Subject,
    as_of: AsOf = None,
    by: Annotated[
        By | None,
        typer.Option(help="With --as-of: what was known then (recorded, the default) or so then."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show the state of a case, or of any other subject, now or as of a past moment.

    Example: runut case case/KP2MI-2025-0001 --as-of 2025-06-30T00:00:00+07:00 --by occurred
    """
    if by is not None and as_of is None:
        raise typer.BadParameter("--by says which past moment is meant: give --as-of as well")
    settings = load_settings(data)
    if as_json:
        run(_print_state(settings, subject, as_of, by or "recorded"))
    else:
        manner = Manner(lang, zone)
        run(show_subject(settings, subject, console(), manner, as_of=as_of, by=by or "recorded"))


def history(
    subject: Subject,
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show every event of a subject with its verdict, in the order of the log.

    With --as-of, what was recorded until then, judged as it was then.

    Example: runut history case/KP2MI-2025-0001 --lang en
    """
    settings = load_settings(data)
    if as_json:
        run(_print_history(settings, subject, as_of))
    else:
        run(show_history(settings, subject, console(), Manner(lang, zone), as_of=as_of))


def commitments(
    agency_code: Annotated[
        str | None, typer.Option("--agency", metavar="CODE", help="Only what this agency owes.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what is owed and past its limit.")
    ] = False,
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show who owes what to whom by when, across all subjects, by due date.

    With --agency what that agency owes as debtor; what it awaits from others shows `runut agency`.
    With --as-of what was known then.

    Example: runut commitments --agency kbri-kl --overdue
    """
    settings = load_settings(data)
    wanted: dict[str, Any] = {"agency": agency_code, "overdue": overdue, "as_of": as_of}
    if as_json:
        run(_print_commitments(settings, wanted))
    else:
        run(show_commitments(settings, console(), Manner(lang, zone), **wanted))


def agency(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as kp2mi.")],
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show what an agency owes, which open cases it holds, and what it awaits from others.

    Example: runut agency bp3mi-ntt
    """
    settings = load_settings(data)
    if as_json:
        run(_print_agency(settings, code, as_of))
    else:
        run(show_agency(settings, code, console(), Manner(lang, zone), as_of=as_of))


async def show_subject(
    settings: Settings,
    subject: str,
    to: Console,
    manner: Manner = USUAL,
    *,
    as_of: datetime | None = None,
    by: By = "recorded",
) -> None:
    """Print a subject's state as tables."""
    async with read_models(settings) as connection:
        state = await _state(connection, subject, as_of, by)
        _show(to, tables.case(state, await _voice(connection, manner)))


async def show_history(
    settings: Settings,
    subject: str,
    to: Console,
    manner: Manner = USUAL,
    *,
    as_of: datetime | None = None,
) -> None:
    """Print a subject's history as a table."""
    async with read_models(settings) as connection:
        entries = await reading.history(connection, subject, as_of)
        _show(to, tables.history(entries, await _voice(connection, manner)))


async def show_commitments(
    settings: Settings,
    to: Console,
    manner: Manner = USUAL,
    *,
    subject: str | None = None,
    **wanted: Any,
) -> None:
    """Print commitments as a table; `wanted` as of `owing.commitments`, or of one subject only."""
    async with read_models(settings) as connection:
        found = await owing.commitments(connection, now=datetime.now(UTC), **wanted)
        own = [one for one in found if subject in {None, one["subject"]}]
        _show(to, tables.commitments(own, await _voice(connection, manner), "commitments"))


async def show_agency(
    settings: Settings,
    code: str,
    to: Console,
    manner: Manner = USUAL,
    *,
    as_of: datetime | None = None,
) -> None:
    """Print what an agency owes, holds and awaits."""
    async with read_models(settings) as connection:
        found = await owing.agency(connection, code, now=datetime.now(UTC), as_of=as_of)
        _show(to, tables.agency(found, await _voice(connection, manner)))


def console() -> Console:
    """Standard output: as wide as the terminal, else as a page; nothing is coloured by guess."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PAGE_WIDTH
    return Console(highlight=False, width=wide)


@asynccontextmanager
async def read_models(settings: Settings) -> AsyncIterator[Connection]:
    """A connection to read with.

    Raises:
        Unreachable: PostgreSQL does not answer, or stops answering.
    """
    try:
        async with postgres.connected(settings, name="runut look", autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        address = postgres.address_of(settings.postgres_url or "")
        advice = "see DATA/log, start it again with: runut up"
        raise Unreachable("PostgreSQL", address, advice, str(error).strip()) from None


async def _print_state(settings: Settings, subject: str, as_of: datetime | None, by: By) -> None:
    async with read_models(settings) as connection:
        print_json(await _state(connection, subject, as_of, by))


async def _print_history(settings: Settings, subject: str, as_of: datetime | None) -> None:
    async with read_models(settings) as connection:
        print_json(await reading.history(connection, subject, as_of))


async def _print_commitments(settings: Settings, wanted: dict[str, Any]) -> None:
    async with read_models(settings) as connection:
        print_json(await owing.commitments(connection, now=datetime.now(UTC), **wanted))


async def _print_agency(settings: Settings, code: str, as_of: datetime | None) -> None:
    async with read_models(settings) as connection:
        print_json(await owing.agency(connection, code, now=datetime.now(UTC), as_of=as_of))


async def _state(
    connection: Connection, subject: str, as_of: datetime | None, by: By
) -> dict[str, Any]:
    if as_of is None:
        return await reading.subject_state(connection, subject, datetime.now(UTC))
    return await reading.subject_state_as_of(connection, subject, as_of, by)


async def _voice(connection: Connection, manner: Manner) -> Voice:
    directory = (await reading.load_directory(connection)).latest
    lang = manner.lang or default_language(os.environ)
    return Voice(lang, directory, manner.zone or LOCAL_ZONE)


def _show(to: Console, shown: RenderableType) -> None:
    to.print(shown)
