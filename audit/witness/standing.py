"""What a witness can say of itself: since when, up to where, and what to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from audit.witness.home import Home
from audit.witness.state import WitnessState
from runut.rfc3339 import format_time


def standing(home: Home, state: WitnessState) -> dict[str, Any]:
    """As JSON; times are RFC 3339 in UTC."""
    first, last = state.first_cosignature(), state.last_cosignature()
    trusted, look = state.trusted(), state.last_look()
    return {
        "name": home.about.name,
        "key": str(home.cosigner.key),
        "ledger": home.about.ledger,
        "log": home.about.log,
        "agency": home.about.agency,
        "since": None if first is None else {"size": first.size, "at": _time(first.time_s)},
        "entered_by_hand": trusted and trusted[0],
        "cosigned": None
        if last is None
        else {"size": last.size, "at": _time(last.time_s), "is_delivered": last.is_delivered},
        "recomputed": dict(state.sizes()),
        "looked_at": look and _time(look.at_s),
        "refusal": look and look.refusal,
        "alerts": [
            {"tree": one.tree, "offset": one.offset, "seen_at": _time(one.seen_at_s)}
            for one in state.alerts()
        ],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """For people."""
    said = [f"{found['name']} follows {found['log']}", f"key: {found['key']}"]
    since, cosigned = found["since"], found["cosigned"]
    if since is None or cosigned is None:
        said.append("cosigned nothing yet")
    else:
        through = found["entered_by_hand"]
        of = f", through the checkpoint of size {through} entered by hand" if through else ""
        said.append(f"since {since['at']} (size {since['size']}), from the first seal on{of}")
        kept = "" if cosigned["is_delivered"] else "; the log has not taken it yet"
        said.append(f"cosigned up to size {cosigned['size']} as of {cosigned['at']}{kept}")
    for alert in found["alerts"]:
        place = f"{alert['tree']} offset {alert['offset']}"
        said.append(f"ALERT: {place} is about our own agency, seen {alert['seen_at']}")
    if found["refusal"]:
        said.append(f"looked at {found['looked_at']}: {found['refusal']}")
    return said


def _time(seconds: int) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
