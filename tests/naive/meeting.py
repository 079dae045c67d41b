"""A meeting (events.md §4, meeting/)."""

from datetime import datetime

from tests.naive import commitments, directory
from tests.naive.words import Codes, Event, Record, Rule, State, View


def subject_code(state: State, event: Event) -> str | None:
    """Stage 4."""
    if event["type"] == "MeetingScheduled":
        return None if state is None else "ALREADY_EXISTS"
    return "UNKNOWN_SUBJECT" if state is None else None


def scheduled(state: State, event: Event, view: View) -> Codes:
    data = event["data"]
    for field in ("title", "series", "chair", "mode", "starts_at", "agenda", "cases"):
        state[field] = data[field]
    state["invitees"] = set(data["invitees"])
    state["status"] = "SCHEDULED"
    state["started_at"], state["ended_at"] = None, None
    state["attendance"], state["minutes_adopters"] = [], set()
    return []


def chair_codes(state: State, event: Event, status: str) -> Codes:
    codes = []
    if event["agency"] != state["chair"]:
        codes.append("NOT_CHAIR")
    if state["status"] != status:
        codes.append("NOT_ACTIVE")
    return codes


def held(state: State, event: Event, view: View) -> Codes:
    codes, data = chair_codes(state, event, "SCHEDULED"), event["data"]
    if codes:
        return codes
    state["status"], state["attendance"] = "HELD", data["attendance"]
    state["started_at"], state["ended_at"] = data["started_at"], data["ended_at"]
    due_at = directory.due(view, "MINUTES", event["occurred_at"])
    source, chair = event["subject"].removeprefix("meeting/"), state["chair"]
    commitments.open_one(state, event, "MINUTES", source, chair, event["subject"], due_at)
    return []


def cancelled(state: State, event: Event, view: View) -> Codes:
    codes = chair_codes(state, event, "SCHEDULED")
    if not codes:
        state["status"] = "CANCELLED"
    return codes


def minutes_adopted(state: State, event: Event, view: View) -> Codes:
    codes = chair_codes(state, event, "HELD")
    if not codes:
        state["status"] = "MINUTES_ADOPTED"
        state["minutes_adopters"] = set(event["data"]["adopters"])
        source = event["subject"].removeprefix("meeting/")
        commitments.settle(state, event, f"MINUTES:{source}:{state['chair']}")
    return codes


def decided(state: State, event: Event, view: View) -> Codes:
    data, codes = event["data"], []
    if event["agency"] != state["chair"]:
        codes.append("NOT_CHAIR")
    if data["decision_id"] in state["decisions"]:
        codes.append("ALREADY_EXISTS")
    if not codes:
        decision = {"decided_at": event["occurred_at"], "adopters": set(data["adopters"])}
        for field in ("decision_id", "text", "follow_up"):
            decision[field] = data[field]
        state["decisions"][data["decision_id"]] = decision
    return codes


RULES: dict[str, Rule] = {
    **commitments.RULES,
    "MeetingScheduled": scheduled,
    "MeetingHeld": held,
    "MeetingCancelled": cancelled,
    "MinutesAdopted": minutes_adopted,
    "DecisionRecorded": decided,
}

SHOWN = (
    "status",
    "title",
    "series",
    "chair",
    "mode",
    "starts_at",
    "started_at",
    "ended_at",
    "invitees",
    "agenda",
    "cases",
    "attendance",
    "minutes_adopters",
)


def document(state: State, view: View, moment: datetime) -> Record:
    decisions = sorted(state["decisions"].values(), key=lambda one: one["decision_id"])
    return {**{field: state[field] for field in SHOWN}, "decisions": decisions}
