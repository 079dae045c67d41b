"""How the OpenAPI document tells of answers: documents, lists of them, headers, statuses."""

from __future__ import annotations

from typing import Any, Final

from dashboard.answers import MEDIA_TYPES
from runut.adapters.http_openapi import problems

_TEXT: Final = {"type": "string"}
_ORIGIN: Final[dict[str, Any]] = {
    "Runut-Positions": {
        "description": "How far the read models were: of each partition the offset of the next "
        "record, such as 0:17,3:4.",
        "schema": _TEXT,
    },
    "Runut-Model": {"description": "Version of the read models' tables.", "schema": _TEXT},
    "Runut-Checkpoint": {
        "description": "The latest checkpoint; absent where nobody seals.",
        "schema": _TEXT,
    },
    "ETag": {"description": "To ask with If-None-Match.", "schema": _TEXT},
}
_NEXT: Final[dict[str, Any]] = {
    "Link": {"description": 'The next page, rel="next"; absent on the last.', "schema": _TEXT}
}


def document(model: Any, *more: int) -> dict[str, Any]:
    """Of a route that gives one document; `more` are statuses of problems."""
    return _route({"model": model, "description": "The document.", "headers": _ORIGIN}, 404, *more)


def listed(model: Any, *more: int) -> dict[str, Any]:
    """Of a route that gives a list, in every format."""
    csv, jsonl = (MEDIA_TYPES[form].partition(";")[0] for form in ("csv", "jsonl"))
    answer = {
        "model": list[model],
        "description": "A page; as CSV or JSON Lines, without `limit`, all there is.",
        "headers": _ORIGIN | _NEXT,
        "content": {csv: {"schema": _TEXT}, jsonl: {"schema": _TEXT}},
    }
    return _route(answer, *more)


def _route(answer: dict[str, Any], *statuses: int) -> dict[str, Any]:
    return {
        "methods": ["GET"],
        "response_model": None,
        "responses": {
            200: answer,
            304: {"description": "As you have it already (If-None-Match)."},
            **problems(409, *statuses),  # what it waits for is not projected yet
        },
    }
