"""`runut case`, `history`, `commitments` and `agency`: what PostgreSQL knows, now or in the past.

Reads only. With --json the documents of interfaces.md, those that are objects with their `origin`;
else tables in the reader's language and time zone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import psycopg
import typer
from rich.console import Console, RenderableType
from rich.text import Text

from cli import explained, subject_tables, tables
from cli.common import Data, Json, moment, print_json, run
from cli.labels import default_language
from projections import owing, reading
from projections.following import positions
from projections.origins import with_origin
from projections.portraits import Document
from projections.reading import By
from projections.seals.log import latest_checkpoint
from projections.sentences import LOCAL_ZONE
from projections.versions import Origin
from projections.wording import Lang, Voice
from runut.adapters import postgres
from runut.adapters.postgres import Connection
from runut.errors import Unreachable
from runut.event import LEDGER_KINDS, is_subject
from runut.settings import Settings, load_settings

T = TypeVar("T")

PAGE_WIDTH: Final = 160
"""Columns of tables that go to a file or another program."""


def subject_argument(text: str) -> str:
    """Parse an argument that is a subject."""
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
    str,
    typer.Argument(
        metavar="SUBJECT", parser=subject_argument, help="Such as case/KP2MI-2025-0001."
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        metavar="T",
        parser=moment,
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
        By, typer.Option(help="With --as-of: what was known then, or what was so then.")
    ] = "recorded",
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show the state of a case, or of any other subject, now or as of a past moment.

    Example: runut case case/KP2MI-2025-0001 --as-of 2025-06-30T00:00:00+07:00 --by occurred
    """
    to = None if as_json else console()
    ask = _ask_state(subject, as_of, by)
    run(answer(load_settings(data), ask, subject_tables.subject, to, Manner(lang, zone)))


def history(
    subject: Subject,
    as_of: AsOf = None,
    as_seen_by: Annotated[
        str | None,
        typer.Option(
            "--as-seen-by",
            metavar="AGENCY",
            help="Only what this agency knew: emitted, was named in, or had in a case's file.",
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show every event of a subject with its verdict, in the order of the log.

    With --as-of, what was recorded until then, judged as it was then. With --as-seen-by, what had
    reached one agency by then: who has a case has its file up to the day it gives it away.

    Example: runut history case/KP2MI-2025-0001 --as-seen-by kbri-kl
    --as-of 2025-06-30T00:00:00+07:00
    """
    to = None if as_json else console()
    ask = _ask_history(subject, as_of, as_seen_by)
    run(answer(load_settings(data), ask, tables.history, to, Manner(lang, zone)))


def commitments(
    agency_code: Annotated[
        str | None, typer.Option("--agency", metavar="CODE", help="Only what this agency owes.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what is owed and past its limit.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="ID",
            help="Why this one is due when it is: rule, version, days of the calendar.",
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject",
            metavar="SUBJECT",
            parser=subject_argument,
            help="With --explain: where the id stands, if on several.",
        ),
    ] = None,
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show who owes what to whom by when, across all subjects, by due date.

    With --agency what that agency owes as debtor; what it awaits from others shows `runut agency`.
    With --as-of what was known then. With --explain why one of them is due when it is, as known
    when its date was set and as known now.

    Example: runut commitments --agency kbri-kl --overdue
    """
    to = None if as_json else console()
    if explain is None and subject is not None:
        raise typer.BadParameter("expected --subject with --explain")
    if explain is not None:
        if agency_code is not None or overdue or as_of is not None:
            raise typer.BadParameter("expected --explain alone or with --subject")
        why = _ask_explanation(explain, subject)
        run(answer(load_settings(data), why, explained.explanation, to, Manner(lang, zone)))
        return
    ask = _ask_commitments(agency=agency_code, overdue=overdue, as_of=as_of)
    # What was known then needs tables of its own, and so a transaction of its own.
    manner, alone = Manner(lang, zone), as_of is None
    run(answer(load_settings(data), ask, _commitments, to, manner, alone=alone))


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
    to = None if as_json else console()
    ask = _ask_agency(code, as_of)
    manner, alone = Manner(lang, zone), as_of is None
    run(answer(load_settings(data), ask, tables.agency, to, manner, alone=alone))


async def show_subject(
    settings: Settings, subject: str, to: Console, manner: Manner = USUAL
) -> None:
    """Print a subject's present state as tables."""
    await answer(
        settings, _ask_state(subject, None, "recorded"), subject_tables.subject, to, manner
    )


async def show_history(
    settings: Settings, subject: str, to: Console, manner: Manner = USUAL
) -> None:
    """Print a subject's history as a table."""
    await answer(settings, _ask_history(subject, None), tables.history, to, manner)


async def show_commitments(
    settings: Settings, to: Console, manner: Manner = USUAL, *, subject: str
) -> None:
    """Print a subject's commitments as a table."""

    async def ask(connection: Connection) -> list[Document]:
        found = await owing.commitments(connection, now=datetime.now(UTC))
        return [one for one in found if one["subject"] == subject]

    await answer(settings, ask, _commitments, to, manner)


def history_line(entry: Document, manner: Manner = USUAL) -> Text:
    """One event of a history on one line."""
    return tables.history_line(entry, _language(manner), manner.zone or LOCAL_ZONE)


def console() -> Console:
    """Standard output: as wide as the terminal, else as a page; nothing is coloured by guess."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PAGE_WIDTH
    return Console(highlight=False, width=wide)


@asynccontextmanager
async def read_models(settings: Settings) -> AsyncIterator[Connection]:
    """A connection to the read models.

    Raises:
        Unreachable: PostgreSQL does not answer, or stops answering.
        PlatformError: the read models were never made.
    """
    try:
        with reading.expecting_tables():
            async with postgres.connected(settings, name="runut", autocommit=True) as connection:
                yield connection
    except psycopg.OperationalError as error:
        address = postgres.address_of(settings.postgres_url or "")
        advice = "see DATA/logs, start it again with: runut up"
        raise Unreachable("PostgreSQL", address, advice, str(error).strip()) from None


Ask = Callable[[Connection], Awaitable[T]]


async def answer(
    settings: Settings,
    ask: Ask[T],
    draw: Callable[[T, Voice], RenderableType],
    to: Console | None,
    manner: Manner,
    *,
    alone: bool = True,
) -> None:
    """Ask PostgreSQL and print: as JSON where there is no console, else as drawn for a person.

    Without `alone` the question begins its transaction itself.
    """
    async with read_models(settings) as connection:
        if to is None:
            print_json(await _with_origin(connection, ask, alone=alone))
            return
        document = await ask(connection)
        directory = (await reading.load_directory(connection)).latest
    to.print(draw(document, Voice(_language(manner), directory, manner.zone or LOCAL_ZONE)))


async def _with_origin(connection: Connection, ask: Ask[T], *, alone: bool) -> Any:
    checkpoint = await latest_checkpoint(connection)
    async with reading.snapshot(connection) if alone else nullcontext():
        origin = Origin(await positions(connection), checkpoint)
        return with_origin(await ask(connection), origin)


def _ask_state(subject: str, as_of: datetime | None, by: By) -> Ask[Document]:
    if as_of is None:
        return lambda connection: reading.subject_state(connection, subject, datetime.now(UTC))
    return lambda connection: reading.subject_state_as_of(connection, subject, as_of, by)


def _ask_history(
    subject: str, as_of: datetime | None, as_seen_by: str | None = None
) -> Ask[list[Document]]:
    return lambda connection: reading.history(connection, subject, as_of, as_seen_by=as_seen_by)


def _ask_commitments(*, agency: str | None, **wanted: Any) -> Ask[list[Document]]:
    async def ask(connection: Connection) -> list[Document]:
        await expect_agency(connection, agency)
        now = datetime.now(UTC)
        return await owing.commitments(connection, now=now, agency=agency, **wanted)

    return ask


async def expect_agency(connection: Connection, code: str | None) -> None:
    """Have a list be of all agencies or of one that there is: a misprint owes nothing.

    Raises:
        NotFound: the directory does not know the code.
    """
    if code is not None:
        owing.known_agency((await reading.load_directory(connection)).latest, code)


def _ask_explanation(commitment_id: str, subject: str | None) -> Ask[Document]:
    return lambda connection: owing.explanation(connection, commitment_id, subject)


def _ask_agency(code: str, as_of: datetime | None) -> Ask[Document]:
    return lambda connection: owing.agency(connection, code, now=datetime.now(UTC), as_of=as_of)


def _commitments(found: list[Document], voice: Voice) -> RenderableType:
    return tables.commitments(found, voice, "commitments")


def _language(manner: Manner) -> Lang:
    return manner.lang or default_language(os.environ)
