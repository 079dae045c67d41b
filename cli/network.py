"""`runut indicators` and `runut meetings`: how agencies coordinate, now or as of a past moment.

Reads only. With --json the documents of `projections.indicators` and `projections.meetings`, with
their `origin`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from cli import network_tables
from cli.common import Data, Json, moment, run
from cli.look import Ask, AsOf, Language, Manner, Zone, answer, console, expect_agency
from projections.indicators import indicators as ask_indicators
from projections.meetings import meetings as ask_meetings
from projections.portraits import Document
from projections.wording import Voice
from runut.adapters.postgres import Connection
from runut.settings import load_settings


def indicators(
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            metavar="T",
            parser=moment,
            help="Beginning of the period, with its offset. Default: that of the ledger.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            metavar="T",
            parser=moment,
            help="End of the period, itself no more part of it. Default: none.",
        ),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CODE", help="Only what concerns this agency."),
    ] = None,
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show how agencies coordinate: answers, commitments, transfers, meetings, decisions, network.

    What each indicator counts stands below it. With --as-of exactly what it would have been then,
    by recorded time.

    Example: runut indicators --from 2025-01-01T00:00:00+07:00 --to 2026-01-01T00:00:00+07:00
    """
    if since is not None and until is not None and since >= until:
        raise typer.BadParameter("expected --from before --to")

    async def ask(connection: Connection) -> Document:
        await expect_agency(connection, agency)
        return await ask_indicators(
            connection,
            now=datetime.now(UTC),
            as_of=as_of,
            since=since,
            until=until,
            agency=agency,
        )

    _show(ask, network_tables.indicators, as_of, data, as_json, Manner(lang, zone))


def meetings(
    series: Annotated[
        str | None, typer.Option("--series", metavar="NAME", help="Only this series of meetings.")
    ] = None,
    as_of: AsOf = None,
    data: Data = None,
    as_json: Json = False,
    lang: Language = None,
    zone: Zone = None,
) -> None:
    """Show recurring meetings: which occasions were kept, late or missed, and who came.

    Which meetings have to recur says the protocol in force. A missed one stands against its chair.

    Example: runut meetings --series rakor-pusat
    """

    async def ask(connection: Connection) -> Document:
        return await ask_meetings(connection, now=datetime.now(UTC), as_of=as_of, series=series)

    _show(ask, network_tables.meetings, as_of, data, as_json, Manner(lang, zone))


def _show(
    ask: Ask[Document],
    draw: Callable[[Document, Voice], RenderableType],
    as_of: datetime | None,
    data: Path | None,
    as_json: bool,
    manner: Manner,
) -> None:
    to = None if as_json else console()
    # A measure of the past needs tables of its own.
    run(answer(load_settings(data), ask, draw, to, manner, alone=as_of is None))
