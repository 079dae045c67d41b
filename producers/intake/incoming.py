"""A request as it comes in: headers, flags and body, each looked at once.

Starlette's own ways to them are made for comfort, and cost more than what is done with them here.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from runut.errors import FieldError

FORCE: Final = "force"
FORCE_HEADER: Final = b"runut-force"


class Incoming:
    """One request; of a header that stands twice the last counts."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._query: bytes = scope["query_string"]
        self._receive = receive

    def header(self, name: bytes) -> str | None:
        """The value of a header by its name in lower case."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def media_type(self) -> str:
        """Of the body, without its parameters; empty where there is none."""
        given = self._headers.get(b"content-type", b"").partition(b";")[0]
        return given.strip().lower().decode("latin-1")

    @property
    def force(self) -> bool:
        """Whether the event is to be sent even if it would be irregular.

        Raises:
            FieldError: that is said in another way.
        """
        given = self.header(FORCE_HEADER) or "false"
        if self._query:
            query = parse_qs(self._query.decode("latin-1"), keep_blank_values=True)
            given = query.get(FORCE, [given])[-1]
        if given not in {"true", "false"}:
            raise FieldError(FORCE, "true or false", given)
        return given == "true"

    async def body(self) -> bytes:
        """All of it.

        Raises:
            ClientDisconnect: whoever sent it has gone.
        """
        parts: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)
