"""`runut emit`, as a process of its own: what it refuses before anything is sent."""

from __future__ import annotations

import json

import pytest

from runut.settings import Settings
from tests.integration.test_look import runut


@pytest.mark.parametrize("more", [(), ("--force",)])
async def test_only_events_of_agencies_are_emitted(projected: Settings, more: tuple[str]) -> None:
    revoked_at = "2025-05-08T10:00:00+07:00"
    data = {"agency": "kemlu", "key_id": "k", "revoked_at": revoked_at, "reason": "lost"}
    about = ("--subject", "agency/kemlu", "--agency", "kemlu", "--data", json.dumps(data))
    ended = await runut(projected, "emit", "AgencyKeyRevoked", *about, *more)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "runut: type: expected an event of an agency, found AgencyKeyRevoked\n"
