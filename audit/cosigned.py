"""The seals that witnesses cosigned, each held to the log of seals as Kafka has it.

PostgreSQL says which there are and is believed nothing else: a checkpoint that was cosigned and
that the log does not contain is a fork, whoever signed the log.
"""

from __future__ import annotations

from typing import Final, NoReturn

from audit.policy import Policy
from audit.seal_log import SealLog
from audit.witnessed_time import SeenSeal, seen_at
from projections.queries import queries
from projections.seals.log import SignedSeal, is_installed, seal_at
from projections.seals.proofs import Proofs
from runut import merkle
from runut.adapters import postgres
from runut.errors import BadInput
from runut.notes import Note, verified
from runut.seals import Seal
from runut.settings import Settings

_SQL: Final = queries("comparing")


class Cosigned(SeenSeal, frozen=True):
    """A seal that enough trusted witnesses cosigned, with the checkpoint that they did."""

    note: Note


async def cosigned_seals(settings: Settings, policy: Policy, log: SealLog) -> list[Cosigned]:
    """Those among the seals that were read, and the newest of those before; in order.

    Raises:
        BadInput: the log has another seal there.
        LedgerMismatch: PostgreSQL lacks what shows that the log has it.
    """
    found: list[Cosigned] = []
    async with postgres.connected(settings, name="runut verify", autocommit=True) as connection:
        if not policy.witnesses or not await is_installed(connection):
            return []
        cursor = await connection.execute(_SQL["cosigned_seals"], {"before": log.size})
        for (index,) in reversed(await cursor.fetchall()):
            one = await seal_at(connection, index)
            at = seen_at(one.note, policy)
            if not verified(one.note, [policy.ledger]) or at is None:
                continue
            if index >= log.begun:
                found.append(Cosigned(_demand_read(log, one), at, one.note))
            else:
                grown = await _demand_grown(log, one, Proofs(connection, settings))
                found.append(Cosigned(grown, at, one.note))
                break
    return found[::-1]


def _demand_read(log: SealLog, one: SignedSeal) -> Seal:
    """That the log, as it was read now, has the checkpoint; gives the seal at its end."""
    if log.checkpoints.get(one.checkpoint.size) != one.note.text:
        _fail(one)
    return log.seals[one.checkpoint.size - 1 - log.begun]


async def _demand_grown(log: SealLog, one: SignedSeal, proofs: Proofs) -> Seal:
    """That the log goes on from an earlier checkpoint; gives the seal at its end."""
    size = one.checkpoint.size
    growth = await proofs.growth(size, log.size)
    roots = one.checkpoint.root, log.root
    if not merkle.verify_consistency(size, log.size, *roots, growth.proof):
        _fail(one)
    return (await proofs.seal(one)).seal()


def _fail(one: SignedSeal) -> NoReturn:
    thing = f"checkpoint of size {one.checkpoint.size}"
    raise BadInput(thing, "the one that witnesses cosigned", "another: the log was forked")
