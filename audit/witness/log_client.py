"""Fetch a log over HTTP, as C2SP specifies tiled logs, and hand in cosignatures.

Owns requests and what of an answer cannot be used. Believes nothing: what was fetched is checked
by whoever asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec

from runut.errors import BadInput, NotAdmitted, NotDelivered, NotFound, Unreachable, shorten
from runut.merkle import HASH_SIZE
from runut.tiles import TILE_WIDTH, Tile, bundle_path, tile_width, unbundled

TIMEOUT_S: Final = 30.0
AT_ONCE: Final = 8
_LARGEST: Final = 32 * 1024 * 1024
"""Bytes of an answer; the largest that a log can have to give are 16 MiB."""
_REASON: Final = 400
"""Characters that are shown of why a log does not take something."""


class _Problem(msgspec.Struct):
    """What is of use in a problem document (RFC 9457)."""

    detail: str


class LogClient:
    """A log below a URL. To be closed by whoever made it."""

    def __init__(
        self, url: str, token: str | None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=self._url, headers=headers, timeout=TIMEOUT_S, transport=transport
        )
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._last: dict[str, tuple[str, list[bytes]]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def checkpoint(self) -> bytes:
        """The newest checkpoint of the log of seals, as a signed note.

        Raises:
            NotFound: nothing was sealed yet.
            Unreachable: the log gives no answer that can be used (so do all that fetch).
        """
        return await self._get("seals/checkpoint")

    async def entries(self, tree: str, begin: int, end: int, size: int) -> list[bytes]:
        """The entries of a tree from `begin` up to `end`; the newest checkpoint covers `size`.

        Raises:
            BadInput: the log serves less, or what is no entries.
        """
        tiles = range(begin // TILE_WIDTH, -(-end // TILE_WIDTH) if end > begin else 0)
        found: list[bytes] = []
        for at in range(0, len(tiles), AT_ONCE):  # a log may claim any size
            some = tiles[at : at + AT_ONCE]
            for bundle in await asyncio.gather(*(self._bundle(tree, one, size) for one in some)):
                found += bundle
        start = begin - begin // TILE_WIDTH * TILE_WIDTH
        return found[start : start + end - begin]

    async def hashes(self, tree: str, tile: Tile) -> list[bytes]:
        """The hashes of a tile.

        Raises:
            BadInput: the log serves another number of them.
        """
        content = await self._get(f"{tree}/{tile.path}")
        if len(content) != tile.width * HASH_SIZE:
            expected = f"{tile.width} hashes"
            raise BadInput(f"{tree}/{tile.path}", expected, f"{len(content)} bytes")
        return [content[at : at + HASH_SIZE] for at in range(0, len(content), HASH_SIZE)]

    async def submit(self, note: bytes) -> None:
        """Hand in a checkpoint with its cosignature.

        Raises:
            NotDelivered: the log does not take it.
        """
        try:
            headers = {"content-type": "text/plain; charset=utf-8"}
            response = await self._client.post("/cosignatures", content=note, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(f"{self._url}: {type(error).__name__} {error}".strip()) from None
        if not response.is_success:
            found = f"{response.status_code} {shorten(_reason(response), _REASON)}"
            raise NotDelivered(f"{self._url}/cosignatures: expected 2xx, found {found}")

    async def _bundle(self, tree: str, index: int, size: int) -> Sequence[bytes]:
        tile = Tile(0, index, tile_width(0, index, size))
        path = f"{tree}/{bundle_path(tile)}"
        if self._last.get(tree, ("",))[0] == path:  # seals close to each other share a bundle
            return self._last[tree][1]
        try:
            entries = unbundled(await self._get(path))
        except BadInput as error:
            raise BadInput(path, error.expected, error.found) from None
        if len(entries) != tile.width:
            raise BadInput(path, f"{tile.width} entries", len(entries))
        self._last[tree] = (path, entries)
        return entries

    async def _get(self, path: str) -> bytes:
        try:
            async with self._slots, asyncio.timeout(TIMEOUT_S):
                return await self._read(path)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            cause = f"{type(error).__name__} {error}".strip()
            advice = "see whether the address is right and it is up"
            raise Unreachable("the log", self._url, advice, cause) from None

    async def _read(self, path: str) -> bytes:
        async with self._client.stream("GET", f"/{path}") as response:
            await self._demand_given(path, response)
            parts, length = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                length += len(part)
                if length > _LARGEST:
                    raise BadInput(f"{self._url}/{path}", f"at most {_LARGEST} bytes", "more")
        return b"".join(parts)

    async def _demand_given(self, path: str, response: httpx.Response) -> None:
        status = response.status_code
        if status in {401, 403}:
            found = "does not let us read it" if status == 403 else "does not know our token"
            advice = "ask its operator for a credential of an auditor (runut credentials new)"
            raise NotAdmitted("the log", self._url, found, advice)
        if status == 404 and path == "seals/checkpoint":
            raise NotFound(f"{self._url}/{path}", "nothing was sealed yet")
        if status != 200:
            cause = f"{status} for {path}"
            raise Unreachable("the log", self._url, "try again later", cause)


def _reason(response: httpx.Response) -> str:
    """Why a log does not take something, in its own words."""
    try:
        return msgspec.json.decode(response.content, type=_Problem).detail
    except (msgspec.DecodeError, UnicodeDecodeError):
        return response.text
