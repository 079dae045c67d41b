"""A bounded queue from which everything that is there is taken at once."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Channel(Generic[Item]):
    """Between one who puts and one who takes; what is there never weighs much more than allowed.

    One item of any weight is always let in, so that none waits for ever.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: list[Item] = []
        self._weight = 0
        self._closed = False
        self._changed = asyncio.Event()

    async def put(self, item: Item, weight: int = 1) -> None:
        """Put an item at the end, waiting while there is no room."""
        while self._items and self._weight + weight > self._capacity:
            self._changed.clear()
            await self._changed.wait()
        self._items.append(item)
        self._weight += weight
        self._changed.set()

    def close(self) -> None:
        """Nothing more will be put."""
        self._closed = True
        self._changed.set()

    async def take(self) -> list[Item]:
        """All items that are there, in order, waiting for one; none when nothing more will come."""
        while not self._items and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        taken, self._items, self._weight = self._items, [], 0
        self._changed.set()
        return taken
