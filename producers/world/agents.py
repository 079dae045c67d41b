"""Stories of placement agents: inspected, warned, suspended, revoked; their deposits drawn on.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from producers.world.ground import YEAR, Ground, words
from producers.world.story import Act, Story
from runut.event import Event

Cite = Callable[[datetime, Random], str]
"""Gives a case that had begun at a moment."""
REGULATOR: Final = "kp2mi"
DEPOSIT: Final = "1500000000.00"
BAD: Final = 0.35
"""How many of the agents give cause for more than an inspection."""


class Agent(Story):
    """One placement agent from its registration on."""

    def __init__(self, ground: Ground, n: int, cite: Cite) -> None:
        rng = ground.rng("agent", n)
        began = ground.later(REGULATOR, ground.start, rng.randint(1, 10), rng)
        super().__init__(ground, subject_of(n), began)
        self._n = n
        self._cite = cite

    def told(self) -> Iterator[Event]:
        """All of it: an inspection now and then, as long as the world goes."""
        yield from self._registered()
        is_bad = self.rng.random() < BAD
        while self.now < self.ground.until:
            yield from self._inspected(is_bad=is_bad)
            if is_bad and self.rng.random() < 0.5:
                yield from self._sanctioned()
                if self.rng.random() < 0.1:
                    return

    def _registered(self) -> Iterator[Event]:
        names = words()["agents"]["names"]
        name = names[self._n % len(names)]
        branch = f" {self._n // len(names) + 1}" if self._n >= len(names) else ""
        valid = (self.now + YEAR * self.rng.choice((1, 2, 4))).date()
        licence = f"SIP3MI-{1000 + self._n}"
        about = {"name": f"{name}{branch}", "licence": licence, "valid_to": valid}
        yield from self.play(
            [Act(self.now, REGULATOR, "AgentRegistered", {**about, "deposit": DEPOSIT})]
        )

    def _inspected(self, *, is_bad: bool) -> Iterator[Event]:
        rng = self.rng
        inspector = rng.choice(self.ground.with_role("INSPECTOR"))
        severity = rng.choice(("MAJOR", "CRITICAL", "MINOR") if is_bad else ("NONE", "MINOR"))
        found = {"findings": self.word("agents", "findings"), "severity": severity}
        days = rng.randint(40, 130)
        yield from self.play([self.act(inspector, "AgentInspected", days, **found)])
        if rng.random() < 0.1:
            valid = (self.now + YEAR * 3).date()
            renewed = {"licence": f"SIP3MI-{2000 + self._n}", "valid_to": valid}
            yield from self.play([self.act(REGULATOR, "LicenceRenewed", 5, **renewed)])

    def _sanctioned(self) -> Iterator[Event]:
        rng, ground = self.rng, {"ground": self.word("agents", "grounds")}
        if rng.random() < 0.25:
            # Not theirs to decide: the verdict finds it irregular.
            centre = rng.choice(self.ground.with_role("INSPECTOR"))
            early = {
                "level": "WARNING",
                **ground,
                "from_date": self.ground.day_of(centre, self.now),
            }
            yield from self.play([self.act(centre, "SanctionDecided", 1, **early)])
        level = rng.choices(("WARNING", "SUSPENSION", "REVOCATION"), (5, 4, 1))[0]
        decided = self.later(REGULATOR, rng.randint(3, 15))
        first = self.ground.day_of(REGULATOR, decided) + timedelta(days=1)
        last = first + timedelta(days=90) if level == "SUSPENSION" else None
        sanction = {"level": level, **ground, "from_date": first, "to_date": last}
        yield from self.play([Act(decided, REGULATOR, "SanctionDecided", sanction)])
        yield from self._drawn_on()
        if level == "SUSPENSION" and rng.random() < 0.4:
            why = {"reason": "Kewajiban telah dipenuhi."}
            days = rng.randint(10, 40)
            yield from self.play([self.act(REGULATOR, "SanctionLifted", days, **why)])

    def _drawn_on(self) -> Iterator[Event]:
        rng = self.rng
        draw = {"amount": f"{rng.randint(8, 60)}000000.00", "draw_id": self.ident("W")}
        about = {"case": self._cite(self.now, rng), "reason": "Upah yang belum dibayar"}
        custodian = rng.choice(self.ground.with_role("CUSTODIAN"))
        proposed = self.act(custodian, "DepositDrawProposed", rng.randint(1, 8), **draw, **about)
        yield from self.play([proposed])
        approved = rng.random() < 0.75
        decided = {"approved": approved, **draw, "reason": "Menurut berita acara."}
        days = rng.randint(2, 12)
        yield from self.play([self.act(REGULATOR, "DepositDrawDecided", days, **decided)])


def subject_of(n: int) -> str:
    """Subject of the n-th agent."""
    return f"agent/P3MI-{n + 1:03}"
