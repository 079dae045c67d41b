"""Post notices to webhooks: signed CloudEvents.

Owns the body (CloudEvents 1.0, structured JSON), and what counts as delivered: an answer of 2xx
within the time, whatever its body, which nobody reads. Redirects are not followed: the operator
said where notices go, and nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import httpx
import orjson

from projections import notice_words
from projections.notices import Notice
from projections.wording import LANGS
from runut.directory import Directory, founded
from runut.errors import NotDelivered, shorten
from runut.keystore import SigningKey
from runut.rfc3339 import format_time
from runut.webhooks import signature_headers

TIMEOUT_S: Final = 10.0
TYPES: Final = "runut.notices"


class Webhooks:
    """Posts over one pool of connections. To be closed by whoever made it."""

    def __init__(self) -> None:
        # Connections are many and wait for nobody: who may be slow has one of its own.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        agent = {"user-agent": f"runut/{version('runut')}"}
        # A proxy of the environment is for what is outside: it may be what guards the inside.
        direct = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, limits=limits, headers=agent, mounts=direct
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(
        self, address: str, notice: Notice, directory: Directory, keys: Iterable[SigningKey]
    ) -> None:
        """Post a notice, signed with each of the keys, now.

        Raises:
            NotDelivered: it was not answered with 2xx in time.
        """
        now = datetime.now(UTC)
        body = orjson.dumps(cloud_event(notice, directory))
        headers = signature_headers(keys, notice.notice_id, now, body)
        headers["content-type"] = "application/cloudevents+json; charset=utf-8"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._post(address, headers, body)
        except TimeoutError:
            raise NotDelivered(f"no answer within {TIMEOUT_S:.0f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(shorten(f"{type(error).__name__} {error}".strip())) from None
        if not httpx.codes.is_success(status):
            raise NotDelivered(f"expected an answer of 2xx, found {status}")

    async def _post(self, address: str, headers: dict[str, str], body: bytes) -> int:
        """Gives the answer's status."""
        post = self._client.stream("POST", address, headers=headers, content=body)
        async with post as response:
            return response.status_code


def cloud_event(notice: Notice, directory: Directory) -> dict[str, Any]:
    """A notice as a CloudEvent (docs/reference/notices.md)."""
    return {
        "specversion": "1.0",
        "id": notice.notice_id,
        "source": f"/ledgers/{founded(directory.ledger).name}",
        "type": f"{TYPES}.{notice.kind.capitalize()}",
        "subject": notice.subject,
        "time": format_time(notice.made_at),
        "datacontenttype": "application/json",
        "data": {
            "agency": notice.agency,
            "kind": notice.kind,
            "about": notice.about,
            "due_at": format_time(notice.due_at) if notice.due_at else None,
            "text": {lang: notice_words.text(notice, directory, lang) for lang in LANGS},
        },
    }
