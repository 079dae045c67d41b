"""A programme: a service point and the outreach done there (events.md §4, programme/)."""

from datetime import datetime

from tests.naive import directory
from tests.naive.words import Codes, Event, Record, Rule, State, View


def subject_code(state: State, event: Event) -> str | None:
    """Stage 4: either event may be the first, neither has to be."""
    return None


def begin(state: State) -> None:
    for field in ("status", "kind", "name", "region"):
        state.setdefault(field, None)
    for field in ("desks", "pillars", "outreach"):
        state.setdefault(field, [])


def updated(state: State, event: Event, view: View) -> Codes:
    if not directory.has_role(view, event["agency"], "REGISTRAR"):
        return ["ROLE_REQUIRED"]
    begin(state)
    for field in ("status", "kind", "name", "region"):
        state[field] = event["data"][field]
    for field in ("desks", "pillars"):
        state[field] = sorted(event["data"][field])
    return []


def outreach_held(state: State, event: Event, view: View) -> Codes:
    begin(state)
    outreach = {"agency": event["agency"], "held_at": event["occurred_at"]}
    for field in ("kind", "phase", "region", "participants"):
        outreach[field] = event["data"][field]
    state["outreach"].append({**outreach, "partners": set(event["data"]["partners"])})
    return []


RULES: dict[str, Rule] = {"ServicePointUpdated": updated, "OutreachHeld": outreach_held}


def document(state: State, view: View, moment: datetime) -> Record:
    shown = ("status", "kind", "name", "region", "desks", "pillars", "outreach")
    return {field: state[field] for field in shown}
