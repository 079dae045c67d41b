"""What the naive rules call things. All of it dicts, whose shapes are in `fold.py`."""

from collections.abc import Callable
from typing import Any, TypeAlias

Record: TypeAlias = Any
State: TypeAlias = Any
Event: TypeAlias = Any
View: TypeAlias = Any
Codes: TypeAlias = list[str]
Rule: TypeAlias = Callable[[State, Event, View], Codes]
"""Gives the codes that forbid an event; where there are none it has changed the state."""
