"""Tell a whole world: all its stories, side by side, in the order in which things happened.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain, takewhile
from operator import attrgetter
from random import Random
from typing import Final

from msgspec import structs

from producers.world.agents import Agent, subject_of
from producers.world.agreements import Agreement, agreements
from producers.world.cases import Case
from producers.world.cast import Cast, cast_of
from producers.world.ground import Ground, Options
from producers.world.meetings import Diary, Meeting
from producers.world.merges import merged
from producers.world.programmes import Programme, programmes
from runut.directory import Directory
from runut.event import Event

CASES_PER_AGENT: Final = 60
CASES_PER_PROGRAMME: Final = 150
FEWEST_AGENTS: Final = 24
FEWEST_PROGRAMMES: Final = 8
MERGED: Final = 0.03
MIDNIGHT: Final = timedelta(minutes=1)


def events(options: Options, directory: Directory) -> Iterator[Event]:
    """Every event of a world, in the order of `occurred_at`; all of them before `options.until`.

    But for what the ledger says of limits that ended with the last day: that comes after midnight.

    Raises:
        BadInput: there are no such agencies, or the directory has no calendar for these years.
    """
    ground = Ground(options, directory)
    told = merge(*_stories(ground), key=attrgetter("occurred_at"))
    return takewhile(lambda event: event.occurred_at < ground.until + MIDNIGHT, told)


def _stories(ground: Ground) -> Iterator[Iterable[Event]]:
    docket = Docket(ground)
    others: Iterable[Agent | Agreement | Meeting | Programme] = chain(
        (Agent(ground, n, docket.begun_before) for n in range(docket.firms)),
        agreements(ground),
        (Meeting(ground, planned, docket.begun_before) for planned in docket.diary.planned),
        programmes(ground, max(FEWEST_PROGRAMMES, ground.options.cases // CASES_PER_PROGRAMME)),
    )
    for story in others:
        yield story.told()
    yield from docket.stories()


class Docket:
    """All cases of a world, by number: they begin at an even pace."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._cases = ground.options.cases
        self.firms = max(FEWEST_AGENTS, self._cases // CASES_PER_AGENT)
        self.diary = Diary(ground)

    def stories(self) -> Iterator[Iterable[Event]]:
        """The story of each case, and now and then that of two which are one."""
        numbers = iter(range(self._cases))
        for n in numbers:
            case = self._case(n)
            if case.rng.random() >= MERGED or (m := next(numbers, None)) is None:
                yield case.told()
                continue
            other = self._case(m, like=case.cast)
            if other.custodian == case.custodian:
                yield from (case.told(), other.told())
            else:
                yield merged(case, other)

    def begun_before(self, moment: datetime, rng: Random) -> str:
        """Subject of a case that had begun at a moment, or of the first one."""
        start, until = self._ground.start, self._ground.until
        begun = int(self._cases * ((moment - start) / (until - start))) - 1
        return self._case(rng.randrange(max(1, begun))).subject

    def _case(self, n: int, like: Cast | None = None) -> Case:
        ground, rng = self._ground, self._ground.rng("case", n)
        cast = cast_of(ground, rng)
        span = ground.until - ground.start
        moment = ground.start + span * ((n + rng.random()) / self._cases)
        began = ground.later(cast.reporter, moment, 0, rng)
        subject = f"case/{cast.reporter.upper()}-{began.year}-{n + 1:05}"
        if like is not None:
            cast = structs.replace(cast, category=like.category, country=like.country)
        return Case(ground, subject, began, cast, subject_of(rng.randrange(self.firms)), self.diary)
