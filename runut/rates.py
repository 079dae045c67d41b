"""How many events each agency may send: a token bucket for each.

Pure: the time is passed in, in seconds of any clock that never goes back.
"""

from __future__ import annotations

import msgspec

from runut.errors import TooManyRequests


class _Bucket(msgspec.Struct):
    """What is left of a share; below zero where it was lent."""

    left: float
    at: float


class Rates:
    """The share of everybody alike: so many events a second, and as many at once."""

    def __init__(self, per_s: float, at_once: float) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, who: str, events: int, now: float) -> None:
        """Take events off a share.

        Raises:
            TooManyRequests: so many are not left; nothing is taken.
        """
        bucket = self._filled(who, now)
        # More than a bucket holds would never be there: a full one is enough for it.
        lacking = min(events, self._at_once) - bucket.left
        if lacking > 0:
            limit = f"{self._per_s:g} events a second"
            raise TooManyRequests(f"events of {who}", limit, lacking / self._per_s)
        bucket.left -= events

    def borrow(self, who: str, events: int, now: float) -> float:
        """Take events off a share, whatever is left of it; seconds until it covers them."""
        bucket = self._filled(who, now)
        bucket.left -= events
        return max(0.0, -bucket.left / self._per_s)

    def _filled(self, who: str, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(who, _Bucket(self._at_once, now))
        bucket.left = min(self._at_once, bucket.left + (now - bucket.at) * self._per_s)
        bucket.at = now
        return bucket
