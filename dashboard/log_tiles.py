"""/log: the log of seals and each partition's tree as C2SP tlog-tiles, for existing tools.

Gives what the newest checkpoint covers: entries are hashes, never records. Takes the cosignatures
of witnesses; keeping them is passed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from dashboard.proof_documents import Taken
from projections.seals.known import KnownTrees
from projections.seals.log import latest_seal
from projections.seals.proofs import Proofs
from projections.seals.trees import TreeReader
from runut.adapters.http import needs, unsupported
from runut.adapters.http_openapi import WITH_BODY, problems
from runut.adapters.postgres import Lend
from runut.errors import NotFound
from runut.notes import Note, parse_note
from runut.settings import Settings
from runut.tiles import Tile, bundle, bundle_at, tile_at, tile_width

TakeCosignatures = Callable[[Note], Awaitable[int]]

_TEXT: Final = "text/plain"
NOTE_TYPE: Final = f"{_TEXT}; charset=utf-8"
_NOTE: Final[dict[str, Any]] = {
    "description": "The checkpoint's note, cosigned.",
    "required": True,
    "content": {_TEXT: {"schema": {"type": "string"}}},
}
_KEPT_TILES: Final = 16
"""Few: who follows a log asks for each tile once."""
_BYTES: Final = "application/octet-stream"
_FOR_EVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
_FOR_NOW: Final = {"Cache-Control": "private, no-cache"}

Auditor = Depends(needs("AUDITOR"))
Topic = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Partition = Annotated[int, Path(ge=0, le=2**31 - 1)]
Level = Annotated[str, Path(description="0 to 63.", examples=["0"])]
Where = Annotated[
    str, Path(description="Index of the tile, such as x001/234 or, partial, x001/234.p/7.")
]


class Log:
    """What the routes answer from."""

    def __init__(self, lend: Lend, settings: Settings, take: TakeCosignatures) -> None:
        self._lend = lend
        self._settings = settings
        self._take = take
        self._known = KnownTrees(_KEPT_TILES)

    async def checkpoint(self) -> Response:
        """The newest checkpoint of the log of seals as a signed note, with its cosignatures."""
        async with self._lend() as connection:
            note = (await latest_seal(connection)).note
        return Response(note.to_bytes(), media_type=NOTE_TYPE, headers=_FOR_NOW)

    async def seal_tile(self, level: Level, place: Where) -> Response:
        """Hashes of the log of seals."""
        return await self._tile(tile_at(level, place))

    async def seals(self, place: Where) -> Response:
        """Seals, each after its length in two bytes."""
        return await self._entries(bundle_at(place))

    async def tile(
        self, topic: Topic, partition: Partition, level: Level, place: Where
    ) -> Response:
        """Hashes of a partition's tree, whose size and root stand in the seals."""
        return await self._tile(tile_at(level, place), (topic, partition))

    async def entries(self, topic: Topic, partition: Partition, place: Where) -> Response:
        """Entries of a partition's leaves, each after its length in two bytes."""
        return await self._entries(bundle_at(place), (topic, partition))

    async def cosign(self, request: Request) -> dict[str, int]:
        """Keep the cosignatures of witnesses that are known (RUNUT_WITNESSES)."""
        given = request.headers.get("content-type")
        if (given or "").partition(";")[0].strip().lower() != _TEXT:
            raise unsupported(given, _TEXT)
        return {"taken": await self._take(parse_note(await request.body()))}

    async def _tile(self, tile: Tile, tree: tuple[str, int] | None = None) -> Response:
        async with self._lend() as connection:
            reader = await self._reader(connection, tile, tree)
            hashes = await reader.tile(tile)
        return _served(b"".join(hashes))

    async def _entries(self, tile: Tile, tree: tuple[str, int] | None = None) -> Response:
        async with self._lend() as connection:
            reader = await self._reader(connection, tile, tree)
            entries = await reader.entries(tile.index)
        return _served(bundle(entries[: tile.width]))

    async def _reader(
        self, connection: Any, tile: Tile, tree: tuple[str, int] | None
    ) -> TreeReader:
        """What reads a tile, once the newest checkpoint is found to cover it."""
        newest = await latest_seal(connection)
        proofs = Proofs(connection, self._settings, self._known)
        reader = await proofs.tree(*tree) if tree else await proofs.seal_log()
        size = newest.seal.head(*tree).size if tree else newest.checkpoint.size
        if tile_width(tile.level, tile.index, size) < tile.width:
            raise NotFound(tile.path, f"the newest checkpoint covers {size} entries")
        return reader


def router(lend: Lend, settings: Settings, take: TakeCosignatures) -> APIRouter:
    """The routes, over connections that find the tables of the seals."""
    log = Log(lend, settings, take)
    routes = APIRouter(prefix="/log", tags=["log"], dependencies=[Auditor])
    tree = "/{topic}/{partition}"
    routes.add_api_route("/seals/checkpoint", log.checkpoint, **_gives(NOTE_TYPE))
    routes.add_api_route("/seals/tile/entries/{place:path}", log.seals, **_gives(_BYTES))
    routes.add_api_route("/seals/tile/{level}/{place:path}", log.seal_tile, **_gives(_BYTES))
    routes.add_api_route(tree + "/tile/entries/{place:path}", log.entries, **_gives(_BYTES))
    routes.add_api_route(tree + "/tile/{level}/{place:path}", log.tile, **_gives(_BYTES))
    routes.add_api_route(
        "/cosignatures",
        log.cosign,
        methods=["POST"],
        response_model=Taken,
        responses=problems(404, 415, *WITH_BODY),
        openapi_extra={"requestBody": _NOTE},
    )
    return routes


def _served(content: bytes) -> Response:
    return Response(content, media_type=_BYTES, headers=_FOR_EVER)


def _gives(media_type: str, *more: int) -> dict[str, Any]:
    kind = media_type.partition(";")[0]
    schema = {"type": "string", "format": "binary"} if kind == _BYTES else {"type": "string"}
    return {
        "methods": ["GET"],
        "response_class": Response,
        "responses": {
            200: {"description": "As C2SP has it.", "content": {kind: {"schema": schema}}},
            **problems(404, *more),
        },
    }
