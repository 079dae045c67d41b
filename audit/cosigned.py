"""The seals that witnesses cosigned, each held to the log of seals as Kafka has it.

PostgreSQL says which there are and is believed nothing else: a checkpoint that was cosigned and
that the log does not contain is a fork, whoever signed the log.
"""

from __future__ import annotations

from typing import Final

from audit.policy import Policy
from audit.seal_log import SealLog
from audit.witnessed_time import SeenSeal, seen_at
from projections.queries import queries
from projections.seals.log import SignedSeal, is_installed, seal_at
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
    """Those among the seals that are new, and the newest of those verified before; in order.

    Raises:
        BadInput: the log has another seal there.
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
            found.append(Cosigned(_demand_read(log, one), at, one.note))
            if index < log.before.size:
                break
    return found[::-1]


def _demand_read(log: SealLog, one: SignedSeal) -> Seal:
    """That the log has the checkpoint; gives the seal at its end."""
    size = one.checkpoint.size
    if log.checkpoints.get(size) != one.note.text:
        thing = f"checkpoint of size {size}"
        raise BadInput(thing, "the one that witnesses cosigned", "another: the log was forked")
    return log.seals[size - 1]
