"""Speak with a schema registry through Confluent's API.

Owns registration and look-up. Compatibility is set before the first schema is registered,
since registering enforces nothing by default (architecture.md §Topics). The registry is for
other clients and its numbers are for frames: which schema a number means stands in the
directory, by the hash of its canonical text, and is never taken from here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx

from runut.catalogue import EventType, Topic, canonical_json
from runut.errors import BadInput, Unreachable

COMPATIBILITY: Final = "FULL_TRANSITIVE"
_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_ADVICE: Final = "start the platform with `runut up`, or check RUNUT_REGISTRY_URL"
_AT_ONCE: Final = 4
PATIENCE_S: Final = 60.0
"""For one answer: a registry that has just started compiles itself while it is asked."""


class Registry:
    """A registry that answers at one address; made by `open_registry`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def enforce_compatibility(self) -> None:
        """Have the registry refuse schemas that are not FULL_TRANSITIVE-compatible.

        Raises:
            Unreachable: it does not answer.
            BadInput: it refuses.
        """
        found = await self._ask("GET", "/config")
        if found.get("compatibilityLevel") != COMPATIBILITY:
            await self._ask("PUT", "/config", {"compatibility": COMPATIBILITY})

    async def register(
        self, types: Iterable[EventType], topics: Mapping[Topic, str]
    ) -> dict[str, int]:
        """Register each type under its topic; the schema id of each by the type's name.

        Registering the same schema again gives the same id.

        Raises:
            Unreachable: the registry does not answer.
            BadInput: it refuses a schema, such as an incompatible one.
        """
        await self.enforce_compatibility()
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(event_type: EventType) -> int:
            async with turns:
                return await self._register(
                    registry_subject(topics[event_type.topic], event_type), event_type
                )

        named = {event_type.name: event_type for event_type in types}
        ids = await asyncio.gather(*(one(event_type) for event_type in named.values()))
        return dict(zip(named, ids, strict=True))

    async def canonical(self, schema_id: int) -> bytes:
        """The canonical text of the schema with this id, whatever form the registry keeps.

        Raises:
            Unreachable: the registry does not answer.
            BadInput: it knows no such schema, or shows no Avro.
        """
        thing = f"schema {schema_id}"
        found = await self._ask("GET", f"/schemas/ids/{schema_id}", thing=thing)
        try:
            return canonical_json(json.loads(found["schema"]))
        except (KeyError, TypeError, ValueError):
            raise BadInput(thing, "an Avro schema as JSON", found) from None

    async def _register(self, subject: str, event_type: EventType) -> int:
        path = f"/subjects/{quote(subject, safe='')}/versions"
        given = {"schemaType": "AVRO", "schema": event_type.canonical.decode()}
        found = (await self._ask("POST", path, given, thing=subject)).get("id")
        if not isinstance(found, int):
            raise BadInput(subject, "a schema id from the registry", found)
        return found

    async def _ask(
        self, method: str, path: str, given: object = None, thing: str = "schema registry"
    ) -> dict[str, Any]:
        content = None if given is None else json.dumps(given)
        try:
            answer = await self._client.request(method, path, content=content)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise self._unreachable(f"HTTP {answer.status_code} {answer.text}")
        try:
            found = answer.json()
        except ValueError:
            raise BadInput(thing, "JSON from the registry", answer.text) from None
        if not isinstance(found, dict):
            raise BadInput(thing, "an object from the registry", found)
        if answer.is_error:
            reason = found.get("message", f"HTTP {answer.status_code}")
            raise BadInput(thing, "the registry to know or accept it", reason)
        return found

    def _unreachable(self, cause: object) -> Unreachable:
        # The address may carry a password.
        address = str(self._client.base_url.copy_with(userinfo=b""))
        return Unreachable("schema registry", address, _ADVICE, cause)


@asynccontextmanager
async def open_registry(url: str, timeout_s: float = PATIENCE_S) -> AsyncIterator[Registry]:
    """A registry at `url`, the base of its Confluent API (`…/apis/ccompat/v7`).

    Each request ends within `timeout_s` seconds.
    """
    headers = {"Content-Type": _CONTENT_TYPE, "Accept": f"{_CONTENT_TYPE}, application/json"}
    # Proxies of the environment are for the world outside, not for this machine.
    outside = httpx.URL(url).host not in {"127.0.0.1", "localhost", "::1"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=timeout_s, trust_env=outside
    ) as client:
        yield Registry(client)


def registry_subject(topic: str, event_type: EventType) -> str:
    """TopicRecordName: `runut.events-runut.events.LetterSent`."""
    return f"{topic}-{event_type.full_name}"
