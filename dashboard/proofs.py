"""GET /checkpoints, /receipts, /proofs: what the seals show, for whoever checks it elsewhere.

Gives hashes alone. Whether a subject has records is for auditors to ask; who knows an event's id
may have its proof.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from dashboard.proof_documents import (
    CheckpointDocument,
    GrowthProofDocument,
    InclusionDocument,
    KeyProofDocument,
)
from projections.seals.documents import (
    Document,
    checkpoint_document,
    inclusion_document,
    proof_document,
)
from projections.seals.known import KnownTrees
from projections.seals.log import latest_seal, seal_at
from projections.seals.proofs import Proofs
from projections.seals.receipts import find_place, prove_inclusion
from runut.adapters.http import needs
from runut.adapters.http_openapi import problems
from runut.adapters.postgres import Connection, Lend
from runut.event import AGENCY_PATTERN, ID_PATTERN, UUID_PATTERN
from runut.settings import Settings

_LARGEST: Final = 2**63 - 1
_KINDS: Final = "case|meeting|agreement|agent|programme|agency|ledger|directory"

Anyone = Depends(needs("EMITTER", "READER", "AUDITOR", "OPERATOR"))
Auditor = Depends(needs("AUDITOR"))
SealIndex = Annotated[int, Path(ge=0, le=_LARGEST)]
ProvedBy = Annotated[
    int | None,
    Query(
        ge=0,
        le=_LARGEST,
        description="Number of the seal to prove it by. Default: the newest that a witness "
        "cosigned, else the newest.",
    ),
]
OldSize = Annotated[int, Query(alias="from", ge=1, le=_LARGEST)]
NewSize = Annotated[int | None, Query(alias="to", ge=1, le=_LARGEST)]
EventId = Annotated[str, Path(pattern=f"^{UUID_PATTERN.pattern.replace('a-f', 'a-fA-F')}$")]
"""In either case, as it may be sent."""
OfAgency = Annotated[
    str | None,
    Query(
        max_length=40,
        description="Whose event it is, where several agencies gave one id. Default: the first.",
    ),
]
SubjectKind = Annotated[str, Path(pattern=rf"^({_KINDS})$")]
SubjectId = Annotated[str, Path(pattern=rf"^({ID_PATTERN.pattern}|{AGENCY_PATTERN.pattern})$")]


class Evidence:
    """What the routes answer from."""

    def __init__(self, lend: Lend, settings: Settings) -> None:
        self._lend = lend
        self._settings = settings
        self._known = KnownTrees()

    async def newest(self) -> Document:
        """The newest checkpoint: `runut checkpoint --json`."""
        async with self._lend() as connection:
            return checkpoint_document(await latest_seal(connection))

    async def numbered(self, index: SealIndex) -> Document:
        """The checkpoint of the log that ends with a seal."""
        async with self._lend() as connection:
            return checkpoint_document(await seal_at(connection, index))

    async def included(
        self, event_id: EventId, seal: ProvedBy = None, agency: OfAgency = None
    ) -> Document:
        """The proof that an event is in the sealed log: `runut receipt --json`.

        404 until a seal covers it, which is promised within ten minutes.
        """
        async with self._lend() as connection:
            place = await find_place(connection, self._settings, event_id, agency)
            found = await prove_inclusion(connection, self._settings, place, seal, self._known)
        return inclusion_document(found)

    async def grown(self, old_size: OldSize, new_size: NewSize = None) -> Document:
        """The proof that the log of seals begins with what it was at an earlier size."""
        async with self._lend() as connection:
            found = await self._proofs(connection).growth(old_size, new_size)
        return proof_document(found)

    async def counted(self, kind: SubjectKind, ident: SubjectId, seal: ProvedBy = None) -> Document:
        """How many records a subject has in the sealed log, proved; or that it has none."""
        async with self._lend() as connection:
            found = await self._proofs(connection).key(f"{kind}/{ident}", seal)
        return proof_document(found)

    def _proofs(self, connection: Connection) -> Proofs:
        return Proofs(connection, self._settings, self._known)


def router(lend: Lend, settings: Settings) -> APIRouter:
    """The routes, over connections that find the tables of the seals."""
    given = Evidence(lend, settings)
    routes = APIRouter(tags=["seals"])
    routes.add_api_route("/checkpoints/latest", given.newest, **_gives(CheckpointDocument))
    routes.add_api_route("/checkpoints/{index}", given.numbered, **_gives(CheckpointDocument))
    routes.add_api_route("/receipts/{event_id}", given.included, **_gives(InclusionDocument))
    routes.add_api_route("/proofs/consistency", given.grown, **_gives(GrowthProofDocument))
    subjects = _gives(KeyProofDocument, Auditor)
    routes.add_api_route("/proofs/subjects/{kind}/{ident}", given.counted, **subjects)
    return routes


def _gives(model: Any, who: Any = Anyone) -> dict[str, Any]:
    return {
        "methods": ["GET"],
        "response_model": None,
        "dependencies": [who],
        "responses": {
            200: {"model": model, "description": "The document."},
            **problems(404),
        },
    }
