"""Who plays which part in a case: by where the worker comes from, where it happened, and what.

Pure. A part that no agency of the world has falls to the ministry.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

import msgspec

from producers.world.ground import Ground

MINISTRY: Final = "kp2mi"
COUNTRIES: Final = ("MY", "MY", "MY", "TW", "HK", "HK", "SA", "SG")
CATEGORIES: Final = {
    "UNPAID_WAGES": 30,
    "OVERCHARGING": 14,
    "WANTS_RETURN": 11,
    "DOCUMENT_RETENTION": 9,
    "ABUSE": 7,
    "LOST_CONTACT": 7,
    "UNILATERAL_TERMINATION": 6,
    "OVERWORK": 5,
    "TRAFFICKING": 4,
    "MEDICAL": 3,
    "DEATH": 2,
    "FAILED_DEPARTURE": 2,
}
_URGENCIES: Final = {
    "TRAFFICKING": "IMMEDIATE",
    "ABUSE": "IMMEDIATE",
    "DEATH": "IMMEDIATE",
    "MEDICAL": "URGENT",
    "LOST_CONTACT": "URGENT",
}
_INTAKES: Final = {
    "MISSION": "MISSION",
    "VILLAGE": "VILLAGE",
    "NGO": "NGO",
    "INTERNATIONAL": "NGO",
    "MINISTRY": "E_COMPLAINT",
    "LAW_ENFORCEMENT": "LETTER",
}
_RELATIONS: Final = ("WORKER", "FAMILY", "FAMILY", "NGO")


class Cast(msgspec.Struct, frozen=True):
    """The agencies of one case, by part."""

    country: str
    category: str
    reporter: str
    custodian: str
    """Who has it first."""
    centre: str
    """The protection centre of the province that the worker comes from."""
    mission: str
    office: str
    """Of manpower, there."""
    social: str
    others: tuple[str, ...]
    """All who may be written to, each once."""

    def report(self, rng: Random, intake: str, summary: str, agent: str) -> dict[str, Any]:
        """Payload of CaseReported."""
        urgency = _URGENCIES.get(self.category) or rng.choice(("URGENT", "NORMAL", "NORMAL"))
        is_before = self.category in {"OVERCHARGING", "FAILED_DEPARTURE"}
        worker = {"person_id": f"p-{rng.getrandbits(64):016x}"}
        firm = {"kind": "PLACEMENT_AGENT", "ref": agent, "country": "ID"}
        return {
            "category": self.category,
            "urgency": urgency,
            "phase": "BEFORE" if is_before else rng.choice(("DURING",) * 5 + ("AFTER",)),
            "country": self.country,
            "intake": intake,
            "relation": rng.choice(_RELATIONS),
            "sector": rng.choice(("INFORMAL", "INFORMAL", "FORMAL")),
            "placement": rng.choice(("PROCEDURAL", "PROCEDURAL", "NON_PROCEDURAL")),
            "worker": worker,
            "respondent": firm if rng.random() < 0.8 else None,
            "summary": summary,
            "custodian": self.custodian if self.custodian != self.reporter else None,
        }


def cast_of(ground: Ground, rng: Random) -> Cast:
    """The agencies of a case that somebody reports."""
    category = rng.choices(list(CATEGORIES), list(CATEGORIES.values()))[0]
    centres = [code for code in ground.of_kind("AGENCY") if code.startswith("bp3mi-")]
    centre = rng.choice(centres or [MINISTRY])
    region = ground.agencies[centre].region
    country = rng.choice(COUNTRIES)
    mission = _one(rng, ground.of_kind("MISSION", country) or ground.of_kind("MISSION"))
    local = ground.of_kind("LOCAL_GOVERNMENT", region)
    office = _one(rng, [code for code in local if code.startswith("disnaker-")])
    social = _one(rng, [code for code in local if code.startswith("dinsos-")])
    village = _one(rng, ground.of_kind("VILLAGE", region))
    ngo = _one(rng, ground.of_kind("NGO"))
    parts = (centre, centre, centre, mission, mission, MINISTRY, MINISTRY, office, village, ngo)
    reporter = rng.choice(parts)
    can_hold = "CUSTODIAN" in ground.agencies[reporter].roles
    others = {centre, mission, MINISTRY, office, social, "polri", "imigrasi", "kemlu", "bpjs-tk"}
    return Cast(
        country=country,
        category=category,
        reporter=reporter,
        custodian=reporter if can_hold else centre,
        centre=centre,
        mission=mission,
        office=office,
        social=social,
        others=tuple(sorted(others | {village, "kemnaker"})),
    )


def intake_of(ground: Ground, reporter: str, rng: Random) -> str:
    """How a complaint reached an agency."""
    found = _INTAKES.get(ground.agencies[reporter].kind)
    return found or rng.choice(("WALK_IN", "HOTLINE", "SOCIAL_MEDIA", "LTSA"))


def _one(rng: Random, codes: list[str]) -> str:
    return rng.choice(codes) if codes else MINISTRY
