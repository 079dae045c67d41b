"""How long to wait before something that failed is tried again. Pure but for the drawing.

Full jitter: anything between nothing and a limit that doubles, so that those who failed together
do not come back together (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
"""

from __future__ import annotations

import random
from collections.abc import Callable

_MOST_DOUBLINGS = 62


def full_jitter(
    failures: int,
    *,
    first_s: float,
    most_s: float,
    draw: Callable[[], float] = random.random,
) -> float:
    """Seconds to wait after so many failures in a row, one at least.

    The limit is `first_s` after the first failure, twice as much after each further one, and never
    more than `most_s`; `draw` says which part of it, from 0 to below 1.
    """
    doublings = min(failures - 1, _MOST_DOUBLINGS)  # a float has no room for more
    return draw() * min(most_s, first_s * 2.0**doublings)
