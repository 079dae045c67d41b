"""What the OpenAPI document says of the intake: events of every type, receipts, results of lines.

The schemas come from the catalogue (`runut.json_schema`), so the document cannot lag behind it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import FastAPI

from runut.adapters.http_openapi import EVERYWHERE, WITH_BODY, problems
from runut.catalogue import catalogue
from runut.encoded import MEDIA_TYPE
from runut.event import ID_PATTERN, LEDGER_KINDS
from runut.examples import examples
from runut.json_schema import event_schema

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
RECORD: Final = MEDIA_TYPE
FORCE_HEADER: Final = "Runut-Force"
KEY_ID: Final = "Runut-Key-Id"
SIGNATURE: Final = "Runut-Signature"
IDEMPOTENCY_KEY: Final = "Idempotency-Key"

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_BASE64: Final[Schema] = {"type": "string", "contentEncoding": "base64"}
_HEX: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]+$"}
_BEARER: Final[list[Schema]] = [{"HTTPBearer": []}]
"""As `runut.adapters.http.principal` documents it."""
_FLAG: Final[Schema] = {"type": "string", "enum": ["true", "false"]}


def _object(properties: dict[str, Schema], *optional: str, **more: Any) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_FORESEEN: Final = _object(
    {
        "verdict": {"enum": ["EFFECTIVE", "IRREGULAR", "DUPLICATE", "CORRECTED"]},
        "codes": {"type": "array", "items": _TEXT},
    },
    description="The verdict as it looked before the event was sent; not signed.",
)
_RECEIPT: Final = _object(
    {
        "ledger_id": _HEX,
        "event_id": {"type": "string", "format": "uuid"},
        "agency": _TEXT,
        "subject": _TEXT,
        "topic": _TEXT,
        "partition": _COUNT,
        "offset": _COUNT,
        "recorded_at": _TIME | {"description": "Kafka's time."},
        "event_digest": {"anyOf": [_HEX, {"type": "null"}]},
        "included_by": _TIME | {"description": "Until then a seal covers the event."},
        "key_id": _TEXT | {"description": "Of the ledger's key that signed this."},
        "signature": _BASE64,
    },
    description="Where the event stands in the log, signed by the gateway (integrity.md §7).",
)
_TAKEN: Final[Schema] = {
    **_RECEIPT,
    "title": "Taken",
    "properties": {
        **_RECEIPT["properties"],
        "foreseen": {
            "anyOf": [_FORESEEN, {"type": "null"}],
            "description": "null where the event was in the log before.",
        },
    },
    "required": [*_RECEIPT["required"], "foreseen"],
}
_RECORD: Final = _object(
    {
        "topic": {"anyOf": [_TEXT, {"type": "null"}]},
        "partition": {"anyOf": [_COUNT, {"type": "null"}]},
        "key": _BASE64,
        "value": _BASE64,
        "headers": {"type": "object", "additionalProperties": _BASE64},
    },
    "topic",
    "partition",
    additionalProperties=False,
    description="A record that its agency signed, as `runut encode --json` prints it.",
)
_LINE: Final = _object(
    {
        "line": {"type": "integer", "minimum": 1},
        "status": {"type": "integer", "minimum": 200, "maximum": 599},
        "receipt": _ref("Receipt"),
        "problem": _ref("Problem"),
    },
    "receipt",
    "problem",
    description="What became of one line: a receipt (200, 201) or a problem.",
)


def describe_events(app: FastAPI) -> None:
    """Have an app's OpenAPI document define what the intake's routes refer to."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(_components())
        schemes = document["components"].setdefault("securitySchemes", {})
        schemes.setdefault("HTTPBearer", {"type": "http", "scheme": "bearer"})
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to extend it


def single() -> dict[str, Any]:
    """Of the route for one event: what `APIRouter.add_api_route` takes."""
    location = {"description": "Of the receipt.", "schema": _TEXT}
    return {
        "status_code": 201,
        "response_description": "It is in the log.",
        "responses": {
            **problems(409, 415, *WITH_BODY, *EVERYWHERE),
            200: {
                "description": "It was in the log.",
                "content": _json("Taken"),
                "headers": {"Location": location},
            },
            201: {"content": _json("Taken"), "headers": {"Location": location}},
        },
        "openapi_extra": {
            "security": _BEARER,
            "parameters": [
                _parameter("query", "force", _FLAG, _FORCE),
                _parameter("header", FORCE_HEADER, _FLAG, _FORCE),
                _parameter("header", IDEMPOTENCY_KEY, _TEXT, _KEY),
                _parameter("header", KEY_ID, _TEXT, "Id of the agency's key that signed."),
                _parameter("header", SIGNATURE, _BASE64, "Its signature, in base64."),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    JSON: {"schema": _ref("Event"), "examples": _examples()},
                    RECORD: {"schema": _ref("Record")},
                },
            },
        },
    }


def batch() -> dict[str, Any]:
    """Of the route for batches."""
    return {
        "status_code": 200,
        "response_description": "A result for each line, in order, as they come.",
        "responses": {
            **problems(415, *WITH_BODY, *EVERYWHERE),
            200: {"content": {NDJSON: {"schema": _ref("LineResult")}}},
        },
        "openapi_extra": {
            "security": _BEARER,
            "requestBody": {
                "required": True,
                "content": {NDJSON: {"schema": _ref("Event")}},
            },
        },
    }


_FORCE: Final = "`true` sends the event even if it would be irregular; needs a right of its own."
_KEY: Final = (
    "Of an event without event_id: the same key gives the same id, so that a repeat is known. "
    "1 to 255 printable ASCII characters, with or without quotes around."
)


@cache
def _components() -> dict[str, Schema]:
    names = [one.name for one in catalogue() if not one.kinds.isdisjoint(LEDGER_KINDS)]
    return {
        **{name: event_schema(catalogue().by_name(name)) for name in names},
        "Event": {
            "description": f"One event in its JSON form; ids are {ID_PATTERN.pattern}.",
            "oneOf": [_ref(name) for name in names],
            "discriminator": {
                "propertyName": "type",
                "mapping": {name: f"#/components/schemas/{name}" for name in names},
            },
        },
        "Record": _RECORD,
        "Receipt": _RECEIPT,
        "Taken": _TAKEN,
        "LineResult": _LINE,
    }


def _examples() -> dict[str, Any]:
    return {name: {"value": one} for name, one in examples().items()}


def _json(name: str) -> dict[str, Any]:
    return {JSON: {"schema": _ref(name)}}


def _parameter(place: str, name: str, schema: Schema, description: str) -> dict[str, Any]:
    return {
        "in": place,
        "name": name,
        "required": False,
        "schema": schema,
        "description": description,
    }
