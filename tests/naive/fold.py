"""Fold a subject's events again from the start, each time anything is asked (events.md §3).

An event is {"type", "subject", "agency", "event_id", "occurred_at", "recorded_at", "signature",
"data", "content", "directory"}: times are aware, `data` is the payload in Python's types, `content`
any value that two records share if their bytes are the same, `directory` the place up to which the
directory was announced before it. `views` has what that was: by place, as `directory.view_at`.

`outcome` gives {"entries": [{"verdict", "codes", "differs"}], "document", "commitments"}; the
document is None without a state.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.naive import agent, agreement, case, commitments, directory, meeting, programme
from tests.naive.words import Codes, Event, Record, State, View

KINDS = {
    "case": case,
    "meeting": meeting,
    "agreement": agreement,
    "agent": agent,
    "programme": programme,
}
IN_ORDER = ("VALID", "UNSIGNED")
CODES = {
    "UNKNOWN_AGENCY": "UNKNOWN_AGENCY",
    "MISSING": "SIGNATURE_MISSING",
    "KEY_UNKNOWN": "KEY_UNKNOWN",
    "KEY_REVOKED": "KEY_REVOKED",
    "INVALID": "SIGNATURE_INVALID",
}


def outcome(
    events: list[Event],
    views: dict[int, View],
    now: datetime,
    as_of: datetime | None = None,
    by: str = "recorded",
) -> Record:
    """What the events come to: now, or as of a moment by `recorded` or `occurred`."""
    if as_of is not None:
        events = known_at(events, views, as_of, by)
    state, entries = fold(events, views)
    return {
        "entries": entries,
        "document": document(events, views, state, entries, as_of or now, as_of),
        "commitments": commitment_documents(state, as_of or now),
    }


def known_at(events: list[Event], views: dict[int, View], as_of: datetime, by: str) -> list[Event]:
    if by == "recorded":
        return [event for event in events if event["recorded_at"] <= as_of]
    _, entries = fold(events, views)
    return [
        event
        for event, entry in zip(events, entries, strict=True)
        if entry["verdict"] not in ("CORRECTED", "DUPLICATE")
        and event["type"] != "EventCorrected"
        and event["occurred_at"] <= as_of
    ]


def fold(events: list[Event], views: dict[int, View]) -> tuple[State, list[Record]]:
    """State and entries; begun again without its target whenever a correction counts."""
    gone: set[int] = set()
    while True:
        state, entries, target = attempt(events, views, gone)
        if target is None:
            return state, entries
        gone.add(target)


def attempt(
    events: list[Event], views: dict[int, View], gone: set[int]
) -> tuple[State, list[Record], int | None]:
    """Fold until a correction counts that was not heeded yet; gives the index of its target."""
    state: State = None
    entries: list[Record] = []
    seen: dict[tuple[str, str], Any] = {}
    for index, event in enumerate(events):
        view, target = views[event["directory"]], None
        entry = judge_record(event, seen)
        if entry is None and event["type"] == "EventCorrected":
            codes, target = corrected(events[:index], entries, event)
        elif entry is None and index not in gone:
            codes, state = judge_event(state, event, view)
        if event["signature"] in IN_ORDER:
            seen.setdefault((event["agency"], event["event_id"]), event["content"])
        if index in gone:
            entry = line("CORRECTED")
        elif entry is None:
            entry = line("IRREGULAR", codes) if codes else line("EFFECTIVE")
        entries.append(entry)
        if target is not None and target not in gone:
            return state, entries, target
        if entry["verdict"] == "EFFECTIVE" and state is not None:
            state["effective"].append((event, view))
    return state, entries, None


def line(verdict: str, codes: Sequence[str] = (), differs: bool = False) -> Record:
    return {"verdict": verdict, "codes": sorted(set(codes)), "differs": differs}


def judge_record(event: Event, seen: dict[tuple[str, str], Any]) -> Record:
    """Stages 1 to 3; None if it passes."""
    if event["signature"] not in IN_ORDER:
        return line("IRREGULAR", [CODES[event["signature"]]])
    identity = (event["agency"], event["event_id"])
    if identity in seen:
        return line("DUPLICATE", differs=seen[identity] != event["content"])
    if event["occurred_at"] - event["recorded_at"] > timedelta(minutes=5):
        return line("IRREGULAR", ["OCCURRED_IN_FUTURE"])
    return None


def corrected(
    earlier: list[Event], entries: list[Record], event: Event
) -> tuple[Codes, int | None]:
    """Codes that forbid a correction, else the index of what it corrects."""
    candidates = [
        index
        for index, one in enumerate(earlier)
        if one["event_id"] == event["data"]["target"]
        and one["type"] != "EventCorrected"
        and entries[index]["verdict"] != "DUPLICATE"
    ]
    if not candidates:
        return ["NO_SUCH_REFERENCE"], None
    own = [index for index in candidates if earlier[index]["agency"] == event["agency"]]
    if not own:
        return ["NOT_ORIGINAL_EMITTER"], None
    in_order = [index for index in own if earlier[index]["signature"] in IN_ORDER]
    return [], (in_order or own)[0]


def judge_event(state: State, event: Event, view: View) -> tuple[Codes, State]:
    """Stages 4 and 5: codes, and the state after it."""
    kind = KINDS[event["subject"].partition("/")[0]]
    code = kind.subject_code(state, event)
    if code is not None:
        return [code], state
    if names_a_stranger(event, view):
        return ["UNKNOWN_AGENCY"], state
    before = state
    if state is None:
        state = {"commitments": {}, "decisions": {}, "assistances": {}, "effective": []}
    codes = kind.RULES[event["type"]](state, event, view)
    return codes, before if codes else state


def names_a_stranger(event: Event, view: View) -> bool:
    """Whether an agency that has to be known is not; a clause names its debtor."""
    for clause in event["data"].get("clauses", ()):
        if not directory.is_known(view, clause["debtor"]):
            return True
    for field in ("to", "provider", "debtor", "creditor", "with", "custodian"):
        value = event["data"].get(field)
        named = value if isinstance(value, list) else [value]
        if any(one is not None and not directory.is_known(view, one) for one in named):
            return True
    return False


def document(
    events: list[Event],
    views: dict[int, View],
    state: State,
    entries: list[Record],
    moment: datetime,
    as_of: datetime | None,
) -> Record:
    """The JSON document of the subject's state."""
    if state is None:
        return None
    last, verdicts = events[-1], [entry["verdict"] for entry in entries]
    kind = KINDS[last["subject"].partition("/")[0]]
    whole = {
        "subject": last["subject"],
        **kind.document(state, views[last["directory"]], moment),
        "commitments": commitments.counts(state, moment),
        "counts": {
            "events": len(entries),
            "irregular": verdicts.count("IRREGULAR"),
            "duplicate": verdicts.count("DUPLICATE"),
            "corrected": verdicts.count("CORRECTED"),
        },
        "last_recorded_at": last["recorded_at"],
        "as_of": as_of,
    }
    return as_json(whole)


def commitment_documents(state: State, moment: datetime) -> Record:
    """All commitments by id. What one says is its own affair where no event says it: None."""
    documents = {}
    for one in state["commitments"].values() if state is not None else ():
        shown = {
            name: value
            for name, value in one.items()
            if name not in ("source", "reported_at", "breached_for")
        }
        late = commitments.is_late(one)
        overdue = commitments.is_overdue(one, moment)
        documents[one["commitment_id"]] = as_json({**shown, "late": late, "overdue": overdue})
    return documents


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value
