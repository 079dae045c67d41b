"""Two agencies have the same case without knowing it, until one sees it: a merge, or none.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter
from typing import Final

from producers.world.cases import Case
from producers.world.story import Act
from runut.event import Event

REFUSED: Final = 0.2


def merged(survivor: Case, absorbed: Case) -> Iterator[Event]:
    """Both cases from their reports on; their custodians differ, the second was reported later."""
    both = [
        *survivor.reported(),
        *survivor.verified(),
        *absorbed.reported(),
        *absorbed.verified(),
    ]
    yield from sorted(both, key=attrgetter("occurred_at"))
    rng, keeper, giver = survivor.rng, survivor.custodian, absorbed.custodian
    absorbed.now = max(survivor.now, absorbed.now)
    suspicion = {"other": survivor.subject, "basis": "Pekerja, pemberi kerja dan tanggal sama."}
    suspected = absorbed.act(keeper, "DuplicateSuspected", rng.randint(1, 9), **suspicion)
    yield from absorbed.play([suspected])
    proposal = {"survivor": survivor.subject, "to": keeper}
    yield from absorbed.play([absorbed.act(giver, "MergeProposed", rng.randint(1, 6), **proposal)])
    named = {"survivor": survivor.subject}
    if rng.random() < REFUSED:
        no = absorbed.act(keeper, "MergeRefused", 2, **named, reason="Majikan ternyata berbeda.")
        yield from absorbed.play([no])
        yield from _go_on(survivor, absorbed)
        return
    yield from absorbed.play([absorbed.act(keeper, "MergeAccepted", rng.randint(0, 3), **named)])
    survivor.now = absorbed.now + timedelta(minutes=1)
    taken = {"absorbed": absorbed.subject}
    yield from survivor.play([Act(survivor.now, keeper, "CaseAbsorbed", taken)])
    yield from survivor.worked_on(3)
    yield from survivor.closed()


def _go_on(one: Case, other: Case) -> Iterator[Event]:
    """They were two cases after all."""
    one.now = other.now
    both = [*one.worked_on(3), *one.closed(), *other.worked_on(2), *other.closed()]
    yield from sorted(both, key=attrgetter("occurred_at"))
