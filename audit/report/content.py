"""What a report is made from. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from projections.folds.subject import FoldedSubject
from runut.directory import Directory


class Content(msgspec.Struct, frozen=True):
    """A subject as of a seal, and the checkpoint that it hangs on."""

    ledger: str
    """The ledger's name."""
    subject: str
    seal: int
    sealed_at: datetime
    note: str
    """The checkpoint with its signatures."""
    folded: FoldedSubject
    directory: Directory
    by_gateway: frozenset[int]
    """Offsets of the events whose valid signature is by a key that lies with the gateway."""
