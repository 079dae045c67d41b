"""What the pages of proofs ask of other rooms: keeping cosignatures, naming the checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime

from dashboard.log_tiles import TakeCosignatures
from projections.seals.cosigning import take_cosignatures
from runut.adapters.postgres import Lend
from runut.notes import Note
from runut.seal_key import witness_keys
from runut.settings import Settings


def cosignatures(settings: Settings, lend: Lend) -> TakeCosignatures:
    """Keeps the cosignatures of the witnesses that the settings name.

    Raises:
        SettingError: RUNUT_WITNESSES names something else.
    """
    witnesses = witness_keys(settings)

    async def take(note: Note) -> int:
        async with lend() as connection:
            return await take_cosignatures(connection, note, witnesses, datetime.now(UTC))

    return take
