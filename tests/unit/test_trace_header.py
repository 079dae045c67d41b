"""Every event stands in a trace (W3C Trace Context)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from runut.outgoing import compose
from runut.tracing import trace_header

DATA = {"contact_id": "K1", "mode": "CHAT", "direction": "INCOMING", "summary": "-"}


def test_an_event_begins_a_trace_of_its_own() -> None:
    event = compose("ContactLogged", "case/X", "kp2mi", datetime(2025, 5, 8, tzinfo=UTC), DATA)
    name, value = trace_header(event, None, 2**64 - 1)
    assert name == "traceparent"
    assert re.fullmatch(rb"00-[0-9a-f]{32}-f{16}-00", value)
    assert value[3:35].decode() == event.event_id.replace("-", "")


def test_what_is_correlated_shares_a_trace() -> None:
    event = compose("ContactLogged", "case/X", "kp2mi", datetime(2025, 5, 8, tzinfo=UTC), DATA)
    correlation = "01998c3e-0000-7000-8000-000000000001"
    event.meta["correlation_id"] = correlation
    assert trace_header(event, None, 1)[1][3:35].decode() == correlation.replace("-", "")
