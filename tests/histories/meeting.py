"""Random histories of one meeting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.histories import commitments
from tests.histories.story import Data, Payload, Story

if TYPE_CHECKING:
    from tests.histories.author import Author

MINUTES = {"name": "notula.pdf", "media_type": "application/pdf", "bytes": 1, "sha256": "ab" * 32}


def _weigh(author: Author, name: str) -> int:
    if name in commitments.PAYLOADS:
        return commitments.weigh(author, name)
    return {"MeetingScheduled": 1, "MeetingCancelled": 1}.get(name, 4)


def _concerned(author: Author, name: str, data: Data) -> list[str]:
    if name in commitments.PAYLOADS:
        return commitments.concerned(author, name, data)
    return [one["chair"] for one in author.told("MeetingScheduled")]


def _agencies(a: Author) -> list[str]:
    return [a.agency() for _ in range(a.rng.randint(0, 3))]


def _held(a: Author) -> Data:
    statuses = ["PRESENT", "DELEGATED", "EXCUSED", "ABSENT"]
    attendance = [{"agency": one, "status": a.rng.choice(statuses)} for one in _agencies(a)]
    times = {"started_at": a.now - timedelta(hours=2), "ended_at": a.now}
    return {**times, "attendance": attendance}


PAYLOADS: dict[str, Payload] = {
    "MeetingScheduled": lambda a: {
        "title": "Rapat koordinasi",
        "series": a.rng.choice([None, "rakor-pusat"]),
        "starts_at": a.now + timedelta(days=2),
        "mode": "HYBRID",
        "chair": a.agency(),
        "invitees": _agencies(a),
        "agenda": ["Kasus lama", "Kasus baru"],
        "cases": ["case/OTHER", "case/ANOTHER"],
    },
    "MeetingHeld": _held,
    "MeetingCancelled": lambda a: {"reason": a.text()},
    "MinutesAdopted": lambda a: {"minutes": MINUTES, "adopters": _agencies(a)},
    "DecisionRecorded": lambda a: {
        "decision_id": a.new_ident("D"),
        "meeting": "meeting/RANDOM-1",
        "text": "-",
        "adopters": _agencies(a),
        "follow_up": a.rng.choice(["NO_ACTION", "COMMITMENTS"]),
    },
    **commitments.PAYLOADS,
}
STORY = Story("meeting/RANDOM-1", ["MeetingScheduled"], PAYLOADS, _weigh, _concerned)
