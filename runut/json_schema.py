"""The JSON form of events as JSON Schema 2020-12, made from the catalogue's Avro schemas.

Pure. For documents (OpenAPI) and for clients that check before they send; the ledger itself reads
with `runut.json_form`, which also knows what no schema can say. What a schema here refuses, that
refuses too.
"""

from __future__ import annotations

from typing import Any, Final

from runut.admission import NEW_IDS
from runut.avro_values import MAX_ARRAY, UNSPECIFIED
from runut.catalogue import EventType
from runut.event import AGENCY_PATTERN, ID_PATTERN

Schema = dict[str, Any]

_TEXT: Final = {"type": "string", "pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f]*$"}
_CODE: Final = {"type": "string", "pattern": f"^{AGENCY_PATTERN.pattern}$"}
_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_SCALARS: Final[dict[str, Schema]] = {
    "string": _TEXT,
    "string.uuid": {"type": "string", "format": "uuid"},
    "bytes": {"type": "string", "contentEncoding": "base64", "pattern": _BASE64},
    "bytes.decimal": {"type": "string", "pattern": "^-?[0-9]{1,16}(\\.[0-9]{1,2})?$"},
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "int.date": {"type": "string", "format": "date"},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "long.timestamp-micros": {"type": "string", "format": "date-time"},
}


def event_schema(event_type: EventType) -> Schema:
    """The schema of one type's JSON objects; self-contained, without references."""
    meta, *payload = event_type.schema["fields"]
    named: dict[str, Schema] = {}
    envelope = _record(meta["type"], named)
    properties = {
        "type": {"const": event_type.name},
        **envelope["properties"],
        "subject": _subject(event_type),
        "agency": _CODE | {"description": "Code of the emitting agency."},
        "on_behalf_of": {"anyOf": [_CODE, {"type": "null"}]},
        "data": _payload(event_type, payload, named),
    }
    # A made id is as good as a given one, and a payload in which nothing is required may be absent.
    required = [name for name in envelope["required"] if name != "event_id"]
    required += ["data"] if properties["data"]["required"] else []
    return {
        "type": "object",
        "title": event_type.name,
        "description": event_type.schema.get("doc", ""),
        "properties": properties,
        "required": ["type", *required],
        "additionalProperties": False,
    }


def _payload(
    event_type: EventType, fields: list[dict[str, Any]], named: dict[str, Schema]
) -> Schema:
    made = _record({"fields": fields}, named)
    new_id = NEW_IDS.get(event_type.name)
    if new_id is not None:
        made["properties"][new_id] |= {"pattern": f"^{ID_PATTERN.pattern}$"}
    return made


def _subject(event_type: EventType) -> Schema:
    kinds = "|".join(sorted(event_type.kinds))
    return {"type": "string", "pattern": f"^({kinds})/{ID_PATTERN.pattern}$"}


def _record(schema: dict[str, Any], named: dict[str, Schema]) -> Schema:
    fields = schema["fields"]
    return {
        "type": "object",
        "properties": {one["name"]: _field(one, named) for one in fields},
        "required": [one["name"] for one in fields if "default" not in one],
        "additionalProperties": False,
    }


def _field(field: dict[str, Any], named: dict[str, Schema]) -> Schema:
    schema = _schema(field["type"], named)
    doc = field.get("doc")
    return schema | {"description": doc} if doc else schema


def _schema(schema: Any, named: dict[str, Schema]) -> Schema:
    if isinstance(schema, list):
        return {"anyOf": [_schema(one, named) for one in schema]}
    if isinstance(schema, str):
        return {"type": "null"} if schema == "null" else named.get(schema) or _SCALARS[schema]
    kind = schema["type"]
    if kind == "array":
        items = _schema(schema["items"], named)
        return {"type": "array", "items": items, "maxItems": MAX_ARRAY}
    if kind == "enum":
        made: Schema = {"enum": [one for one in schema["symbols"] if one != UNSPECIFIED]}
        named[schema["name"]] = made
        return made
    if kind == "record":
        named[schema["name"]] = made = _record(schema, named)
        return made
    logical = schema.get("logicalType")
    return _SCALARS[f"{kind}.{logical}" if logical else kind]
