"""`runut quarantine`: records that are no event, who probably sent them, and who looked at them.

They stay in the log and change no state. Whoever sent one has to send an event instead; to
acknowledge it says that someone took care of that.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, print_json, run
from cli.fitting import Fitting
from cli.look import console, read_models
from cli.tables import local
from projections import quarantine
from projections.quarantine import Document, Place, parse_place
from projections.sentences import LOCAL_ZONE
from runut.errors import BadInput
from runut.settings import Settings, load_settings

LISTED: Final = 100
_ROW: Final = 16
"""Bytes in a line of a hexdump."""

quarantine_app = typer.Typer(
    no_args_is_help=True, help="Records that are no event, and who looked at them."
)


def _place(text: str) -> Place:
    try:
        return parse_place(text)
    except BadInput as error:
        raise typer.BadParameter(f"expected {error.expected}; found {text!r}") from None


PLACE_HELP: Final = "As `runut quarantine list` shows it, such as 3:17."


@quarantine_app.command("list")
def list_(
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CODE", help="Only what claims to be from this one."),
    ] = None,
    acknowledged_too: Annotated[
        bool, typer.Option("--all", help="Also what somebody took note of.")
    ] = False,
    after: Annotated[
        Place | None,
        typer.Option(metavar="PLACE", parser=_place, help="Only older ones than this one."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="As many at most.")] = LISTED,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show records that are no event and that nobody took note of, the newest first.

    Who sent one is what the record claims: nothing of it is checked.

    Example: runut quarantine list --agency kp2mi
    """

    async def ask(settings: Settings) -> list[Document]:
        async with read_models(settings) as connection:
            return await quarantine.listed(
                connection,
                agency=agency,
                acknowledged_too=acknowledged_too,
                after=after,
                limit=limit,
            )

    found = run(ask(load_settings(data)))
    if as_json:
        print_json(found)
    else:
        console().print(_listing(found))


@quarantine_app.command("show")
def show(
    place: Annotated[Place, typer.Argument(metavar="PLACE", parser=_place, help=PLACE_HELP)],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one of them: why it is no event, its bytes, and what it says as far as it can be read.

    Example: runut quarantine show 3:17
    """

    async def ask(settings: Settings) -> Document:
        async with read_models(settings) as connection:
            return await quarantine.shown(connection, place)

    found = run(ask(load_settings(data)))
    if as_json:
        print_json(found)
    else:
        console().print(_portrait(found))


@quarantine_app.command("acknowledge")
def acknowledge(
    places: Annotated[
        list[Place],
        typer.Argument(metavar="PLACE", parser=_place, help=PLACE_HELP, show_default=False),
    ],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who took note of it.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was done about it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Take note of records: they are listed and warned of no more. Who, when and what is kept.

    What was acknowledged before stays as it was.

    Example: runut quarantine acknowledge 3:17 --by "Rina, KP2MI" --note "sent again as 3:21"
    """

    async def ask(settings: Settings) -> list[Document]:
        async with read_models(settings) as connection:
            return await quarantine.acknowledge(connection, places, by, note, datetime.now(UTC))

    try:
        found = run(ask(load_settings(data)))
    except BadInput as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_json(found)
        return
    for one in found:
        taken = one["acknowledged"]
        typer.echo(f"{one['place']}: {taken['by']} at {taken['at']}: {taken['note']}")


def _listing(found: Sequence[Document]) -> RenderableType:
    names = ("place", "recorded", "agency?", "key?", "reason", "acknowledged")
    return Fitting("Quarantine", names, [_listed(one) for one in found], ["recorded"])


def _listed(one: Document) -> list[Text]:
    taken = one["acknowledged"]
    claims = (one["agency"] or "–", one["key_id"] or "–")
    told = (one["place"], local(one["recorded_at"], LOCAL_ZONE), *claims, one["reason"])
    return [Text(said) for said in (*told, taken["by"] if taken else "")]


def _portrait(found: Document) -> RenderableType:
    taken = found["acknowledged"]
    by = taken and f"{taken['by']}, {local(taken['at'], LOCAL_ZONE)}: {taken['note']}"
    rows: dict[str, Any] = {
        "recorded": local(found["recorded_at"], LOCAL_ZONE),
        "reason": found["reason"],
        "leaf hash": found["leaf_hash"],
        "claimed agency": found["agency"],
        "claimed key": found["key_id"],
        "claimed type": found["type"],
        "acknowledged": by,
        "cannot be read": found["undecoded"],
    }
    table = Table(title=f"Record {found['place']}", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in rows.items():
        if said is not None:
            table.add_row(name, Text(str(said)))
    for name, said in (found["decoded"] or {}).items():
        table.add_row(f"says: {name}", Text(str(said)))
    return Group(table, *_dump("key", found["key"]), *_dump("value", found["value"], found["size"]))


def _dump(name: str, encoded: str | None, size: int | None = None) -> Iterator[Text]:
    if encoded is None:
        yield Text(f"{name}: null")
        return
    content = b64decode(encoded)
    of_all = f" of {size}" if size is not None and size > len(content) else ""
    yield Text(f"{name}: {len(content)}{of_all} bytes")
    for at in range(0, len(content), _ROW):
        part = content[at : at + _ROW]
        shown = "".join(chr(one) if 0x20 <= one < 0x7F else "." for one in part)
        yield Text(f"{at:04x}  {part.hex(' '):<{3 * _ROW - 1}}  {shown}")
