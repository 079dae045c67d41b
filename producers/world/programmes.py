"""Stories of service points and villages: opened, now and then suspended, and their outreach.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from producers.world.ground import Ground, words
from producers.world.story import Act, Story
from runut.event import Event

DESKS: Final = ("LABOUR", "COMPLAINTS", "CIVIL_REGISTRY", "HEALTH", "IMMIGRATION", "POLICE")
PILLARS: Final = ("MIGRATION_SERVICES", "PRODUCTIVE_BUSINESS", "COMMUNITY_PARENTING", "COOPERATIVE")
OUTREACH: Final = ("SOCIALISATION", "TRAINING", "COUNSELLING", "MARKET_INFORMATION")


class Programme(Story):
    """One service point from its plan on."""

    def __init__(self, ground: Ground, n: int) -> None:
        rng = ground.rng("programme", n)
        self._is_village = n % 2 == 1
        kind = "DESMIGRATIF" if self._is_village else "LTSA"
        began = ground.start + timedelta(days=rng.randint(1, 90))
        registrar = rng.choice(ground.with_role("REGISTRAR"))
        subject = f"programme/{kind}-{n + 1:03}"
        super().__init__(ground, subject, ground.later(registrar, began, 1, rng))
        self._kind, self._registrar = kind, registrar
        self._place = str(words()["programmes"]["places"][n % len(words()["programmes"]["places"])])

    def told(self) -> Iterator[Event]:
        """All of it: people are reached month after month, as long as the world goes."""
        yield from self.play([Act(self.now, self._registrar, *self._described("PLANNED"))])
        days = self.rng.randint(10, 60)
        at = self.later(self._registrar, days)
        yield from self.play([Act(at, self._registrar, *self._described("ACTIVE"))])
        while self.now < self.ground.until:
            yield from self._reached()
            if self.rng.random() < 0.03:
                for status in ("SUSPENDED", "ACTIVE"):
                    at = self.later(self._registrar, self.rng.randint(5, 30))
                    yield from self.play([Act(at, self._registrar, *self._described(status))])

    def _described(self, status: str) -> tuple[str, dict[str, Any]]:
        name = words()["programmes"]["desmigratif" if self._is_village else "ltsa"]
        region = self.ground.agencies[self._registrar].region or "ID"
        about = {"kind": self._kind, "name": name.format(place=self._place), "region": region}
        has = {"pillars": list(PILLARS)} if self._is_village else {"desks": list(DESKS)}
        return "ServicePointUpdated", {**about, **has, "status": status}

    def _reached(self) -> Iterator[Event]:
        rng = self.rng
        partners = rng.sample(sorted(self.ground.agencies.keys() - {"runut", self._registrar}), 2)
        held = {"kind": rng.choice(OUTREACH), "phase": rng.choice(("BEFORE", "BEFORE", "AFTER"))}
        where = {"region": self.ground.agencies[self._registrar].region or "ID"}
        who = {"participants": rng.randint(12, 180), "partners": sorted(partners)}
        days = rng.randint(12, 35)
        yield from self.play(
            [self.act(self._registrar, "OutreachHeld", days, **held, **where, **who)]
        )


def programmes(ground: Ground, total: int) -> Iterator[Programme]:
    """The service points and villages of a world."""
    return (Programme(ground, n) for n in range(total))
