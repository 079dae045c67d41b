"""`runut demo`: one story at a pace that can be followed, or a whole sample world at once.

The world is `producers.world`'s; here its agencies are registered, get keys, and publish. Sent
again with the same options, every event is a duplicate and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Annotated, Final

import typer
from rich.progress import Progress

from cli import demo as story
from cli.common import Data, Json, print_json, run
from cli.imports import progress_bar, wait_for
from producers.files.entries import Found
from producers.importer import Imported, Publishing
from producers.world import Options, agencies_of, events
from producers.world.ground import AGENCIES, FEWEST_AGENCIES, MOST_AGENCIES
from runut import registration
from runut.directory import founded
from runut.directory_file import DirectoryFile
from runut.directory_follower import DirectoryFollower
from runut.errors import BadInput
from runut.event import Event
from runut.keystore import KeyStore
from runut.producer import Producer
from runut.rfc3339 import parse_date
from runut.settings import Settings, load_settings

AT_ONCE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def demo(
    data: Data = None,
    world: Annotated[
        bool, typer.Option("--world", help="A sample world instead of one story.")
    ] = False,
    cases: Annotated[int, typer.Option(min=1, max=200_000, help="Cases in the world.")] = 3000,
    agencies: Annotated[
        int,
        typer.Option(min=FEWEST_AGENCIES, max=MOST_AGENCIES, help="Agencies in the world."),
    ] = MOST_AGENCIES,
    years: Annotated[int, typer.Option(min=1, max=6, help="Years that it goes on.")] = 2,
    seed: Annotated[int, typer.Option(help="Another number is another world.")] = 1,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="The day before which everything happened. Default: that on which the ledger "
            "was founded.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Play the demonstration on a running platform, or fill it with a sample world.

    The same options give the same events, ids included: a world that is published again changes
    nothing. Meant for a ledger of its own, for what it tells is invented.

    Example: runut demo --world --cases 500
    """
    settings = load_settings(data)
    if not world:
        run(story.play(settings))
        return
    sizes = {"cases": cases, "agencies": agencies, "years": years, "seed": seed}
    found = Imported()
    with progress_bar(shown=True) as bar:
        options = Options(until=run(_until(settings, until)), **sizes)
        run(_publish(settings, options, found, bar))
        run(wait_for(settings, found, bar))
    if as_json:
        print_json({"events": found.published, **sizes, "until": options.until})
        return
    typer.echo(
        f"{found.published:,} events of {cases:,} cases by {agencies} agencies, "
        f"until {options.until}"
    )


async def _until(settings: Settings, given: str | None) -> date:
    """The day given, or that of the ledger's founding: it stays the same for the ledger."""
    if given is not None:
        return _day(given)
    follower = DirectoryFollower(settings)
    records = await follower.start()
    await follower.stop()
    if founded(follower.log.latest.ledger).clock == "TEST":
        raise BadInput("--until", "a day, for this ledger has no clock of its own", None)
    moment = _EPOCH + timedelta(milliseconds=records[0].timestamp_ms)
    protocol = follower.log.latest.protocol_at(moment)
    return moment.astimezone(protocol.timezone if protocol else None).date()


def _day(text: str) -> date:
    try:
        return parse_date(text)
    except BadInput as error:
        raise typer.BadParameter(f"--until: expected {error.expected}; found {text!r}") from None


async def _publish(settings: Settings, options: Options, found: Imported, bar: Progress) -> None:
    task = bar.add_task("world", total=None, what="agencies and their keys")
    file = DirectoryFile(agencies_of(options), (), ())
    await registration.register(settings, file, AGENCIES)
    await registration.publish_keys(settings, [agency.code for agency in file.agencies])
    async with Producer(settings, keys=KeyStore(settings.keys)) as producer:
        publishing = Publishing(producer, found)
        batches = _batches(events(options, producer.directories.latest))
        # In a thread: what was sent must go out meanwhile.
        while batch := await asyncio.to_thread(next, batches, None):
            await publishing.take([Found(found.lines, event, b"") for event in batch])
            bar.update(task, what=f"{found.published:,} events, {batch[-1].occurred_at:%Y-%m}")
        await publishing.end()
    bar.update(task, total=1, completed=1, what=f"{found.published:,} events")


def _batches(told: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(told, AT_ONCE)):
        yield batch
