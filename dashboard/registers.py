"""GET /letters, /transfers, /fines and the like: rows of the stable views, page by page."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from dashboard import register_documents as look
from dashboard.asking import AgencyFilter, Asked, Paged, SubjectFilter, Word
from dashboard.lists import Documents, Listing, answer_list
from dashboard.openapi import listed
from dashboard.reads import Reading
from projections.registers import REGISTERS, Register, key_of, rows

LOOKS: Final[dict[str, type[BaseModel]]] = {
    "letters": look.LetterRow,
    "transfers": look.TransferRow,
    "contacts": look.ContactRow,
    "assistance": look.AssistanceRow,
    "decisions": look.DecisionRow,
    "fines": look.FineRow,
    "custody": look.CustodyRow,
    "data-shares": look.DataShareRow,
}
"""Of each register what its rows look like."""

_Text = Annotated[str, msgspec.Meta(max_length=200)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Uuid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_KEYS: Final[dict[str, Any]] = {
    "n": tuple[_Text, _Number],
    "event_id": tuple[_Text, _Uuid],
}
_FILTERS: Final[dict[str, Any]] = {"status": Word, "meeting": SubjectFilter}
"""All others name agencies."""


def routes() -> APIRouter:
    """The routes; the request's state has what they need."""
    router = APIRouter(tags=["registers"])
    for path, register in REGISTERS.items():
        router.add_api_route(f"/{path}", _rows(path, register), **listed(LOOKS[path]))
    return router


def _rows(path: str, register: Register) -> Callable[..., Any]:
    key = _KEYS.get(register.key, tuple[_Text, _Text])
    listing = Listing(path, LOOKS[path], key, lambda row: key_of(register, row))
    filters = Depends(_filters(register))

    async def found(
        ask: Asked,
        page: Paged,
        subject: SubjectFilter = None,
        wanted: dict[str, Any] = filters,
    ) -> Response:
        def items(reading: Reading, after: Any, limit: int | None) -> Documents:
            return rows(
                reading.connection,
                reading.reads.views_schema,
                register,
                {**wanted, "subject": subject},
                sight=reading.asker.sight,
                after=after,
                limit=limit,
            )

        return await answer_list(ask, page, listing, items)

    found.__name__ = path.replace("-", "_")
    found.__doc__ = f"Rows of the view `{register.view}`, by subject and `{register.key}`."
    return found


def _filters(register: Register) -> Callable[..., Any]:
    """A dependency that has a parameter for each filter; some are words of Python's own."""

    async def chosen(**given: Any) -> dict[str, Any]:
        return {name.rstrip("_"): value for name, value in given.items()}

    parameters = [
        Parameter(
            f"{name}_",
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_FILTERS.get(name, AgencyFilter), Query(alias=name)],
        )
        for name in register.filters
    ]
    chosen.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return chosen
