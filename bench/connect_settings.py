"""What Kafka Connect is told: its worker, its sink, and what of an event becomes columns.

Pure. All types of events go into one table. The sink can write no lists of records, and no column
that is a list in one type and a word in another: those are left out, to its favour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from bench.rows import AT_ONCE
from runut.catalogue import catalogue
from runut.settings import Settings

TASKS: Final = 2

_TYPES: Final = {
    "string": "text",
    "bytes": "bytea",
    "boolean": "boolean",
    "int": "integer",
    "long": "bigint",
    "date": "date",
    "decimal": "numeric",
}
_SMT: Final = "org.apache.kafka.connect.transforms"
_FLAT: Final = {"type": f"{_SMT}.Flatten$Value", "delimiter": "_"}
_META: Final = {"type": f"{_SMT}.ExtractField$Value", "field": "meta"}

Properties = dict[str, str]


class Shape:
    """What of an event becomes columns."""

    def __init__(self, name: str, *, meta_only: bool) -> None:
        """Take a name of its own; `meta_only` leaves the payload out."""
        self.name = name
        self.table = f"sunk_{name}"  # the sink finds it by its name in any schema
        columns: dict[str, set[str]] = defaultdict(set)
        for event_type in catalogue():
            for column, kind in flattened(event_type.schema):
                columns[column].add(kind)
        kinds = {
            column: _TYPES.get(found.pop()) if len(found) == 1 else None
            for column, found in columns.items()
        }
        if meta_only:
            kinds = {n[5:]: kind for n, kind in kinds.items() if n.startswith("meta_")}
        self.columns = {column: kind for column, kind in kinds.items() if kind}
        self.left_out = sorted(column for column, kind in kinds.items() if not kind)
        self._meta_only = meta_only

    def transforms(self) -> Properties:
        """Settings of the connector that make it so."""
        steps = {"meta": _META, "flat": _FLAT} if self._meta_only else {"flat": _FLAT}
        if self.left_out:
            drop = {"type": f"{_SMT}.ReplaceField$Value", "exclude": ",".join(self.left_out)}
            steps = {**steps, "drop": drop}
        settings = {"transforms": ",".join(steps)}
        for step, given in steps.items():
            settings |= {f"transforms.{step}.{name}": value for name, value in given.items()}
        return settings


def flattened(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Columns of a record and their Avro types, as Flatten names them; `array` for any list."""
    return _fields(schema, "", {})


def _fields(
    schema: Mapping[str, Any], prefix: str, named: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    named[schema["name"]] = schema
    for field in schema["fields"]:
        name, kind = prefix + field["name"], field["type"]
        if isinstance(kind, list):
            [kind] = [one for one in kind if one != "null"]
        kind = named.get(kind, kind) if isinstance(kind, str) else kind
        if isinstance(kind, str):
            yield name, kind
        elif kind["type"] == "record":
            yield from _fields(kind, f"{name}_", named)
        elif kind["type"] == "enum":
            named[kind["name"]] = "string"
            yield name, "string"
        else:
            yield name, _plain(kind)


def _plain(kind: Mapping[str, Any]) -> str:
    """The converter knows days and decimals; other logical types stay as they are written."""
    if kind["type"] in {"array", "map"}:
        return "array"
    logical = kind.get("logicalType")
    return str(logical if logical in {"date", "decimal"} else kind["type"])


def worker_properties(settings: Settings, home: Path) -> Properties:
    """Of the process that runs the tasks."""
    registry = urlsplit(settings.registry_url or "")
    avro = "value.converter.apicurio.registry"
    return {
        "bootstrap.servers": settings.kafka_bootstrap or "",
        "key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        # The usual one looks for JSON in our signatures, and fails where it seems to begin.
        "header.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "value.converter": "io.apicurio.registry.utils.converter.AvroConverter",
        f"{avro}.url": f"{registry.scheme}://{registry.netloc}/apis/registry/v2",
        f"{avro}.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
        f"{avro}.use-id": "contentId",
        f"{avro}.headers.enabled": "false",
        "connector.client.config.override.policy": "All",
        "offset.storage.file.filename": str(home / "offsets"),
        "plugin.path": str(home / "plugins"),
        "plugin.discovery": "only_scan",
        "listeners": "http://127.0.0.1:0",
    }


def connector_properties(settings: Settings, shape: Shape) -> Properties:
    """Of the sink. `settings` name the schema that holds its table."""
    place = conninfo_to_dict(settings.postgres_url or "")
    address = f"{place['host']}:{place['port']}/{place['dbname']}"
    options = f"reWriteBatchedInserts=true&currentSchema={settings.model_schema}"
    return {
        "name": f"bench-{shape.name}",
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": str(TASKS),
        "topics": settings.events_topic,
        "connection.url": f"jdbc:postgresql://{address}?{options}",
        "connection.username": str(place["user"]),
        "connection.password": str(place["password"]),
        "collection.name.format": shape.table,
        "insert.mode": "insert",
        "primary.key.mode": "kafka",
        "quote.identifiers": "true",
        "schema.evolution": "none",
        "batch.size": str(AT_ONCE),
        "consumer.override.auto.offset.reset": "earliest",
        "consumer.override.max.poll.records": str(AT_ONCE),
        "consumer.override.max.partition.fetch.bytes": str(8 * 1024 * 1024),
        **shape.transforms(),
    }
