"""What an agency knew of a subject: the events that reached it, by what the log itself says.

Pure. An event reaches its emitter, those for whom it was emitted and those it names. Who has a case
has its file: all that was recorded before and meanwhile, not what came after it gave the case away.
What was told by telephone and never entered no ledger can show.
"""

from __future__ import annotations

from collections.abc import Sequence

from projections.folds.case_state import CaseState
from projections.folds.subject import Entry
from projections.guarded import named_agencies


def seen_by(agency: str, entries: Sequence[Entry]) -> list[int]:
    """Indices of the entries of one subject that an agency knew, after all of them."""
    had_until = max((at for at, one in enumerate(entries) if _has(agency, entries, at)), default=-1)
    return [
        at
        for at, entry in enumerate(entries)
        if at <= had_until or agency in named_agencies(entry.recorded.event)
    ]


def _has(agency: str, entries: Sequence[Entry], at: int) -> bool:
    """Whether the case was an agency's before or after an event: who gives it away sees that."""
    around = (entries[max(0, at - 1)].folded.state, entries[at].folded.state)
    return any(isinstance(one, CaseState) and one.custodian == agency for one in around)
