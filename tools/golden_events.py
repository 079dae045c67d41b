"""Write the golden vectors of events: tests/golden/events/TYPE.json, two for each type.

Run after a deliberate change of a contract only: bytes of these schemas stand in ledgers, and
must mean the same for ever. `least` gives the fields that have no default, `whole` gives all.
`body` is the Avro body as hex, made by fastavro; `schema` is the schema's identity.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from runut.admission import NEW_IDS
from runut.catalogue import EventType, catalogue
from runut.codec import encode
from runut.json_form import from_json

PLACE: Final = Path(__file__).resolve().parents[1] / "tests" / "golden" / "events"
SUBJECTS: Final = {
    "agency": "agency/kp2mi",
    "directory": "directory/3",
    "ledger": "ledger/nusantara",
}
VALUES: Final[dict[str, Any]] = {
    "string.uuid": "0196b3a1-7c00-7e10-8f00-00000000000a",
    "bytes": "AAECAwQFBgcICQoLDA0ODw==",
    "bytes.decimal": "-1234567.80",
    "boolean": True,
    "int": -2_147_483_648,
    "int.date": "2025-05-08",
    "long": 9_007_199_254_740_993,
    "long.timestamp-micros": "2025-05-08T03:00:00.000001Z",
}


def main() -> None:
    """Write one file for each type of the catalogue."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for event_type in catalogue():
        vectors = {name: vector(event_type, name) for name in ("least", "whole")}
        content = {"type": event_type.name, "schema": event_type.sha256.hex(), **vectors}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (PLACE / f"{event_type.name}.json").write_text(f"{text}\n")


def vector(event_type: EventType, name: str) -> dict[str, Any]:
    """One event in its JSON form, and its body."""
    meta, *payload = event_type.schema["fields"]
    whole = name == "whole"
    defined: dict[str, Any] = {}
    envelope = record(meta["type"]["fields"], defined, whole)
    envelope["agency"] = "kp2mi"
    kind = min(event_type.kinds)
    envelope["subject"] = SUBJECTS.get(kind, f"{kind}/KP2MI-2025-0001")
    if whole:
        envelope["on_behalf_of"] = "desa-oesapa"
    data = record(payload, defined, whole)
    if event_type.name in NEW_IDS:
        data[NEW_IDS[event_type.name]] = "X-1"
    form = {"type": event_type.name, **envelope, "data": data}
    return {"json": form, "body": encode(event_type, from_json(form)).hex()}


def record(fields: list[dict[str, Any]], defined: dict[str, Any], whole: bool) -> dict[str, Any]:
    """A value for each field, or for those alone that must be given."""
    values = {one["name"]: sample(one["type"], one["name"], defined, whole) for one in fields}
    return {one["name"]: values[one["name"]] for one in fields if whole or "default" not in one}


def sample(schema: Any, name: str, defined: dict[str, Any], whole: bool) -> Any:
    """A value in JSON form of one type; texts say their field's name, beyond ASCII."""
    if isinstance(schema, list):
        return sample(schema[1], name, defined, whole)
    if isinstance(schema, str):
        schema = defined.get(schema, {"type": schema})
    if "name" in schema:
        defined[schema["name"]] = schema
    kind = ".".join(filter(None, (schema["type"], schema.get("logicalType"))))
    if kind == "record":
        return record(schema["fields"], defined, whole)
    if kind == "array":
        return [sample(schema["items"], f"{name} {n}", defined, whole) for n in (1, 2)]
    if kind == "enum":
        return schema["symbols"][-2 if schema["default"] == "UNSPECIFIED" else -1]
    return VALUES.get(kind, f"{name} – Ωñ 𝛑")


if __name__ == "__main__":
    main()
