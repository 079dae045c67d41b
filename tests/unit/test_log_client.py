"""What a witness fetches of a log that claims more than it has."""

from __future__ import annotations

import httpx
import pytest

from audit.witness.log_client import AT_ONCE, LogClient
from runut.errors import Unreachable


async def test_of_a_log_that_claims_any_size_few_tiles_are_asked_for_at_once() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(404)

    client = LogClient("http://log.example", None, httpx.MockTransport(answer))
    try:
        with pytest.raises(Unreachable):
            await client.entries("seals", 0, 1 << 40, 1 << 40)
    finally:
        await client.close()
    assert 0 < len(asked) <= AT_ONCE
