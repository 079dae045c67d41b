"""What a run measures, and with how much."""

from __future__ import annotations

from typing import Final, NamedTuple

EVENTS_A_CASE: Final = 30
RATES: Final = (200, 2_000)
"""Events a second of which the latency is measured."""
PEERS: Final = (
    *("connect", "connect-meta", "quix", "faust", "eventsourcing", "executemany", "one-insert"),
)
PARTS: Final = (
    *PEERS,
    *(
        "again",
        "rebuild",
        "sealing",
        "verify",
        "limits",
        "signing",
        "latency",
        "deadlines",
        "proofs",
    ),
    *("http", "reads", "pages", "growth"),
)
"""What can be left out; `again` is ours once more after the peers."""


class Plan(NamedTuple):
    """Sizes, and what is left out."""

    events: int = 300_000
    cases: int = 10_000
    peer_events: int = 100_000
    """At most for peers that write in batches, so that they end."""
    slow_events: int = 20_000
    """At most for those that write one by one."""
    seconds: int = 30
    """Of each latency, of reads, and of reading pages."""
    open_commitments: int = 1_000_000
    proof_leaves: int = 10_000_000
    http_events: int = 20_000
    page_cases: int = 3_000
    """Of the sample world whose pages are read."""
    listeners: int = 2_000
    growth: tuple[tuple[int, int], ...] = ()
    """Events and cases of each ledger that is grown."""
    without: frozenset[str] = frozenset()

    def has(self, part: str) -> bool:
        """Whether a part is to be measured."""
        return part not in self.without and (part != "growth" or bool(self.growth))

    def fitting(self) -> Plan:
        """With fewer cases where there are too few events for so many."""
        return self._replace(cases=min(self.cases, max(1, self.events // EVENTS_A_CASE)))
