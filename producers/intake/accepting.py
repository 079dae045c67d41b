"""Lines of a batch on their way into the gateway: read, admitted, encoded, sent.

Some lines at a time, each step for all of them before the next: a processor that does the same over
and over does it twice as fast as one that does something else each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from producers.files.jsonl import Line
from producers.intake.batch import Accepted
from producers.intake.gateway import Gateway, Ready
from producers.intake.given import Given, given_line
from runut.codec import MAX_VALUE
from runut.errors import RunutError, TooLarge
from runut.event import Event
from runut.problems import Problem, problem_of

Before = TypeVar("Before")
After = TypeVar("After")

Admit = Callable[[Event], None]
"""Passes an event that the caller may emit; raises RunutError."""


class Accepting:
    """The way of one caller's lines."""

    def __init__(self, gateway: Gateway, admit: Admit) -> None:
        self._gateway = gateway
        self._admit = admit

    async def accept(self, lines: Sequence[Line]) -> list[Accepted | Problem]:
        """What becomes of some lines, in their order."""
        given = _each(_given, lines)
        ready = _each(self._gateway.prepare, _each(self._admitted, given))
        return [await self._put(one) for one in ready]

    def _admitted(self, given: Given) -> Given:
        self._admit(given.event)
        return given

    async def _put(self, ready: Ready | Problem) -> Accepted | Problem:
        if isinstance(ready, Problem):
            return ready
        try:
            receipt, is_new = await self._gateway.put(ready)
        except RunutError as error:
            return problem_of(error)
        return Accepted(ready.event.agency, receipt, is_new)


def _given(line: Line) -> Given:
    if not line.is_whole:
        raise TooLarge("line", MAX_VALUE)
    return given_line(line.text)


def _each(
    step: Callable[[Before], After], items: Sequence[Before | Problem]
) -> list[After | Problem]:
    """One step for all items, but those that have a problem already."""
    done: list[After | Problem] = []
    for item in items:
        if isinstance(item, Problem):
            done.append(item)
            continue
        try:
            done.append(step(item))
        except RunutError as error:
            done.append(problem_of(error))
    return done
