"""Take cosignatures of checkpoints: of witnesses that are known, over what was sealed here.

Owns which are taken. A witness that cosigned another checkpoint of the same size has seen another
log than this one, and is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from projections.queries import queries
from projections.seals.log import seal_at
from runut.adapters.postgres import Connection
from runut.errors import BadInput
from runut.notes import Note, VerifierKey, parse_checkpoint

_SQL: Final = queries("proving")


async def take_cosignatures(
    connection: Connection, note: Note, witnesses: Sequence[VerifierKey], now: datetime
) -> int:
    """Keep the cosignatures of a checkpoint's note that are by witnesses; gives how many are.

    Of each witness the first is kept. Signatures of others are left aside.

    Raises:
        BadInput: the note is no checkpoint of this log, or no witness cosigned it.
        NotFound: the log has not grown so far.
    """
    checkpoint = parse_checkpoint(note.text)
    known = await seal_at(connection, checkpoint.size - 1)
    if known.note.text != note.text:
        thing = f"cosigned checkpoint of size {checkpoint.size}"
        raise BadInput(thing, f"the one of this log, {known.note.text}", note.text)
    lines = {
        str(witness): signature.line()
        for signature in reversed(note.signatures)
        for witness in witnesses
        if witness.verified(note.text, signature)
    }
    if not lines:
        names = ", ".join(witness.name for witness in witnesses) or "nobody"
        raise BadInput("cosignature", f"a valid one by a known witness ({names})", "none")
    rows = [(known.seal.index, witness, line, now) for witness, line in sorted(lines.items())]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_SQL["add_cosignature"], rows)
    return len(rows)
