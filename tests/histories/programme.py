"""Random histories of one programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.histories.story import Data, Payload, Story

if TYPE_CHECKING:
    from tests.histories.author import Author

DESKS = ["LABOUR", "POLICE", "HEALTH", "BANKING"]
PILLARS = ["COOPERATIVE", "MIGRATION_SERVICES"]


def _weigh(author: Author, name: str) -> int:
    return 1


def _concerned(author: Author, name: str, data: Data) -> list[str]:
    return ["kp2mi"] if name == "ServicePointUpdated" else []


def _service_point(a: Author) -> Data:
    return {
        "kind": a.rng.choice(["LTSA", "DESMIGRATIF"]),
        "name": a.rng.choice(["LTSA Kupang", "Desa Oebelo"]),
        "region": "ID-NT",
        "desks": a.rng.sample(DESKS, a.rng.randint(0, 4)),
        "pillars": a.rng.sample(PILLARS, a.rng.randint(0, 2)),
        "status": a.rng.choice(["PLANNED", "ACTIVE", "SUSPENDED", "CLOSED"]),
    }


PAYLOADS: dict[str, Payload] = {
    "ServicePointUpdated": _service_point,
    "OutreachHeld": lambda a: {
        "kind": "TRAINING",
        "phase": a.rng.choice(["BEFORE", "AFTER"]),
        "region": "ID-NT",
        "participants": a.rng.randint(0, 90),
        "partners": [a.agency() for _ in range(a.rng.randint(0, 3))],
    },
}
STORY = Story("programme/RANDOM-1", list(PAYLOADS), PAYLOADS, _weigh, _concerned)
