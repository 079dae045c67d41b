"""What the OpenAPI document says of all routes: who may ask, and what a problem looks like.

`FastAPI(responses=problems(…))` says it for all routes, `responses=problems(…)` for one.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from runut.problems import MEDIA_TYPE

EVERYWHERE: Final = (401, 403, 422, 500, 503)
WITH_BODY: Final = (408, 413, 429)
"""Beside those, of routes that take a body."""
_WAITS: Final = {409, 429, 503}
_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
_TEXT: Final = {"type": "string"}
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A credential (`runut credentials new`), or an access token of the issuer.",
}
_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What is wrong, for programs and for people (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {**_TEXT, "format": "uri-reference", "examples": ["urn:runut:problem:bad-field"]},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {**_TEXT, "description": "One sentence: the thing, expected, found."},
        "field": {**_TEXT, "description": "Dotted path of the field that is wrong."},
        "expected": _TEXT,
        "found": _TEXT,
        "codes": {
            "type": "array",
            "items": _TEXT,
            "description": "Why an event would be irregular.",
        },
        "retry_after_s": {"type": "integer", "minimum": 1},
        "trace_id": {**_TEXT, "description": "To be given to whoever operates the ledger."},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of a route, by status, that are problem documents."""
    return {status: _answer(HTTPStatus(status)) for status in statuses}


def describe(app: FastAPI) -> None:
    """Have the app's OpenAPI document say how to sign in, and what a problem document is."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = _SCHEMA
        components["securitySchemes"] = {"token": _TOKEN}
        document["security"] = [{"token": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to extend it


def _answer(status: HTTPStatus) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": status.phrase,
        "content": {MEDIA_TYPE: {"schema": _REFERENCE}},
    }
    if status in _WAITS:
        seconds = {"type": "integer", "minimum": 1}
        about = "Seconds after which to try again, where that helps."
        answer["headers"] = {"Retry-After": {"description": about, "schema": seconds}}
    if status == HTTPStatus.UNAUTHORIZED:
        about = "How to say who asks."
        answer["headers"] = {"WWW-Authenticate": {"description": about, "schema": _TEXT}}
    return answer
