"""`runut sealer`, `checkpoint`, `receipt`: seal the ledger, and show what the seals prove."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from aiokafka.structs import TopicPartition

from audit.held_receipt import (
    BrokenPromise,
    checked_signatures,
    demand_first_sealed,
    hold_to,
)
from audit.offline import FAILED
from audit.policy import read_policy
from cli.common import Data, Json, many, print_json, run
from cli.loading import uncollected
from projections.seals.documents import checkpoint_document, inclusion_document
from projections.seals.log import SignedSeal, latest_seal, seal_at
from projections.seals.receipts import Inclusion, Place, find_place, prove_inclusion
from runut.adapters import kafka, postgres
from runut.adapters.postgres import Connection
from runut.errors import LedgerMismatch, NotFound
from runut.receipts import SignedReceipt, receipt_of
from runut.records import leaf_entry
from runut.rfc3339 import format_time
from runut.settings import Settings, load_settings

WAIT_S: Final = 600.0
"""Within which a record is promised to be covered by a seal."""
POLL_S: Final = 0.5

T = TypeVar("T")

SealIndex = Annotated[
    int | None, typer.Option("--seal", min=0, help="Number of a seal. Default: the newest.")
]
ProvedBy = Annotated[
    int | None,
    typer.Option(
        "--seal",
        min=0,
        help="Number of a seal. Default: the newest that a witness cosigned, else the newest.",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is sealed, ten minutes at most.")]


def sealer(data: Data = None) -> None:
    """Run the sealer: grows the trees of the log, signs checkpoints. `runut up` does it too.

    One seals; others wait to take over.

    Example: runut sealer --data /srv/runut
    """
    with uncollected():
        from cli.sealer_process import run_sealer  # only here

    run_sealer(load_settings(data))


def checkpoint(
    seal: SealIndex = None, wait: Wait = False, data: Data = None, as_json: Json = False
) -> None:
    """Show the newest checkpoint of the log of seals, or that of one seal.

    Example: runut checkpoint --json
    """
    settings = load_settings(data)
    found = run(_checkpoint(settings, seal, patience_s=WAIT_S if wait else 0.0))
    if as_json:
        print_json(checkpoint_document(found))
    else:
        typer.echo(found.note.to_bytes().decode(), nl=False)
        typer.echo(f"\nseal {found.seal.index} of {format_time(found.sealed_at)}")
        for head in found.seal.heads:
            typer.echo(f"{head.topic}/{head.partition}: {head.size} records")


def receipt(
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT",
            help="Its id, its place (PARTITION:OFFSET, directory:OFFSET), or a file with the "
            "receipt that the ledger signed.",
        ),
    ],
    seal: ProvedBy = None,
    wait: Wait = False,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Whose signatures count: ledger key, witnesses, quorum."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Prove that an event is in the sealed log.

    The proof is checked against the record in Kafka before it is shown. It leads to a checkpoint
    that a witness cosigned, if there is one that covers the event. Its signatures are held to the
    policy; without one to this ledger's key of seals, if it is here.

    Given a receipt as the gateway signed it, it says whether what that promised was kept. Exit 4:
    it was not, and the receipt is the evidence.

    Example: runut receipt 0197f1c2-5d0a-7c3e-8a51-3b1f0c9e2d47 --json
    """
    settings = load_settings(data)
    patience_s = WAIT_S if wait else 0.0
    trust = None if policy is None else read_policy(policy)
    try:
        if (file := Path(event)).is_file():
            found = run(_kept(settings, receipt_of(file.read_bytes()), seal, patience_s))
        else:
            found = run(_receipt(settings, event, seal, patience_s=patience_s))
    except BrokenPromise as broken:
        typer.echo(f"BROKEN: {broken}", err=True)
        raise typer.Exit(FAILED) from None
    says = checked_signatures(settings, found, trust)
    if as_json:
        print_json({**inclusion_document(found), "signatures": says})
        return
    place, proof = found.place, found.proof
    covering = proof.demand()
    typer.echo(f"{place.topic}/{place.partition}:{place.offset} {place.subject or ''}".rstrip())
    first = found.first_sealed
    typer.echo(f"first sealed by {first.index} at {format_time(first.sealed_at)}")
    typer.echo(
        f"proved by seal {covering.index}, {many(len(proof.path), 'hash', 'hashes')} to its tree"
    )
    typer.echo(f"checkpoint {says}")
    typer.echo(f"\n{proof.seal.note}", nl=False)


async def _checkpoint(settings: Settings, index: int | None, *, patience_s: float) -> SignedSeal:
    async def look(connection: Connection) -> SignedSeal:
        if index is None:
            return await latest_seal(connection)
        return await seal_at(connection, index)

    return await _once_sealed(settings, look, patience_s)


async def _receipt(
    settings: Settings, event: str, seal: int | None, *, patience_s: float
) -> Inclusion:
    async def look(connection: Connection) -> Inclusion:
        place = await find_place(connection, settings, event)
        return await prove_inclusion(connection, settings, place, seal)

    found = await _once_sealed(settings, look, patience_s)
    demand_first_sealed(found)
    await _demand_of_record(settings, found.place, found.proof.entry)
    return found


async def _kept(
    settings: Settings, given: SignedReceipt, seal: int | None, patience_s: float
) -> Inclusion:
    async def look() -> Inclusion:
        return await hold_to(settings, given, datetime.now(UTC), seal)

    return await _patiently(look, patience_s)


async def _once_sealed(
    settings: Settings, look: Callable[[Connection], Awaitable[T]], patience_s: float
) -> T:
    """What `look` finds, as soon as it is there."""
    async with postgres.connected(settings, name="runut receipt", autocommit=True) as connection:
        return await _patiently(lambda: look(connection), patience_s)


async def _patiently(look: Callable[[], Awaitable[T]], patience_s: float) -> T:
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        try:
            return await look()
        except NotFound:
            if loop.time() >= until:
                raise
        await asyncio.sleep(POLL_S)


async def _demand_of_record(settings: Settings, place: Place, entry: bytes) -> None:
    """That the record in Kafka is the one that was sealed."""
    consumer = kafka.consumer(settings)
    where = TopicPartition(place.topic, place.partition)
    async with kafka.connected(settings, consumer):
        async for records in kafka.read_to_end(settings, consumer, {where: place.offset}):
            record = records[0]
            if record.offset == place.offset and entry == leaf_entry(record.key, record.encoded()):
                return
            break
    raise LedgerMismatch(
        f"{place.topic}/{place.partition}:{place.offset}: expected the record that was sealed, "
        "found another one in Kafka"
    )
