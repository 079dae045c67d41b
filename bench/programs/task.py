"""What a program is asked to do, and how it says how far it is."""

from __future__ import annotations

import sys

import msgspec

from bench.rows import Types
from runut.catalogue import catalogue


class Task(msgspec.Struct, frozen=True):
    """So many events of a topic, into the read models' tables of a schema."""

    kafka: str
    topic: str
    postgres_url: str
    schema: str
    schema_ids: dict[int, str]
    """What each schema id stands for."""
    events: int

    @property
    def types(self) -> Types:
        """The same, from the catalogue."""
        return {number: catalogue().by_name(name) for number, name in self.schema_ids.items()}


def given() -> Task:
    """The task, from standard input."""
    return msgspec.json.decode(sys.stdin.buffer.read(), type=Task)


def say_begun() -> None:
    """The first event is at hand: from now on it is measured."""
    print("begun", flush=True)


def say_done(events: int) -> None:
    """So many events are written and committed: it is over."""
    print("done", events, flush=True)
