"""Write docs/reference/asyncapi.yaml: the ledger's topics as an AsyncAPI 3.0 document.

Run after each change of a contract; a test refuses a document that says otherwise than the schemas.
It is written from where an agency stands: its system sends events, and may read the log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from runut.adapters.topics import topic_configs, topic_partitions
from runut.catalogue import EventType, catalogue
from runut.event import AGENCY_PATTERN, ID_PATTERN
from runut.settings import Settings
from runut.signing import KEY_ID_HEADER, SIGNATURE_HEADER

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "asyncapi.yaml"
HEAD: Final = "# Made from the schemas by `python -m tools.asyncapi`; do not edit.\n"
AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
BINDING: Final = "0.5.0"
SETTINGS: Final = Settings.model_construct()
EVENTS, DIRECTORY, SEALS = topic_partitions(SETTINGS)
ABOUT: Final = (
    "For systems that send to the ledger's Kafka themselves, or read its log. A record that is not "
    "as described here stays in the log and goes to quarantine. Which events count is a verdict "
    "of the rules, made where the log is read. The same is told at length in records.md and "
    "events.md beside this file."
)
SIGNATURE: Final = (
    "Binary, in Kafka as it is: version, size, index, nonce, inclusion path and Ed25519 signature "
    "of the event's batch (docs/design/integrity.md, section 1)."
)
SEAL: Final = "A checkpoint of the log of seals as a C2SP signed note; the seal itself is a header."


class OneLine(dict[str, Any]):
    """A mapping that is written on one line: an Avro schema is one text, not part of this one."""


class Dumper(yaml.SafeDumper):
    """Writes nothing by reference: some tools that read AsyncAPI know no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML asks for each
        """Always."""
        return True


Dumper.add_representer(
    OneLine,
    lambda dumper, one: dumper.represent_mapping("tag:yaml.org,2002:map", one, flow_style=True),
)


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(text())


def text() -> str:
    """The document as YAML."""
    return HEAD + yaml.dump(
        document(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6
    )


def document() -> dict[str, Any]:
    """The document."""
    types = sorted(catalogue(), key=lambda one: one.name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Runut, a coordination ledger",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "servers": _servers(),
        "channels": {
            "events": _channel(EVENTS, "What agencies publish", _of(types, "events")),
            "directory": _channel(DIRECTORY, "Who is who", _of(types, "directory")),
            "seals": _channel(SEALS, "What the log was at a time", ["Seal"]),
        },
        "operations": _operations(types),
        "components": {
            "securitySchemes": {"scram": {"type": "scramSha512", "description": "Over TLS."}},
            "schemas": {"EventHeaders": _headers()},
            "messages": {**{one.name: _message(one) for one in types}, "Seal": _seal()},
        },
    }


def _servers() -> dict[str, Any]:
    registry = {
        "schemaRegistryUrl": "http://registry:8080/apis/ccompat/v7",
        "schemaRegistryVendor": "apicurio",
        "bindingVersion": BINDING,
    }
    return {
        "secured": {
            "host": "kafka-1:9092",
            "protocol": "kafka-secure",
            "description": "Login by SCRAM over TLS (docs/howto/secure-kafka.md).",
            "security": [_ref("securitySchemes", "scram")],
            "bindings": {"kafka": registry},
        },
        "trial": {
            "host": "127.0.0.1:9092",
            "protocol": "kafka",
            "description": "Of `docker compose up` and `runut up`, which prints its own address.",
            "bindings": {"kafka": registry},
        },
    }


def _channel(topic: str, title: str, messages: list[str]) -> dict[str, Any]:
    configs: dict[str, Any] = topic_configs(SETTINGS, "BROKER")
    return {
        "address": topic,
        "title": title,
        "messages": {name: _ref("messages", name) for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": topic_partitions(SETTINGS)[topic],
                "topicConfiguration": {
                    "cleanup.policy": [configs["cleanup.policy"]],
                    "retention.ms": int(configs["retention.ms"]),
                    "retention.bytes": int(configs["retention.bytes"]),
                    "max.message.bytes": int(configs["max.message.bytes"]),
                },
                "bindingVersion": BINDING,
            }
        },
        "x-partition": "(murmur2(key) & 0x7fffffff) mod n; n is fixed when a ledger is founded",
    }


def _operations(types: list[EventType]) -> dict[str, Any]:
    # The ledger alone writes these, to every partition.
    emitted = [name for name in _of(types, "events") if name != "DirectoryAdvanced"]
    return {
        "emit": {
            **_operation("send", "events", "Append an event, signed by its agency's key."),
            "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in emitted],
        },
        "readEvents": _operation("receive", "events", "Read everything that was published."),
        "followDirectory": _operation(
            "receive", "directory", "Learn the ledger's id, its agencies, keys and schemas."
        ),
        "readSeals": _operation("receive", "seals", "Read what the ledger is bound to."),
    }


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _message(event_type: EventType) -> dict[str, Any]:
    return {
        "name": event_type.full_name,
        "title": event_type.name,
        "summary": event_type.schema["doc"],
        "tags": [{"name": kind} for kind in sorted(event_type.kinds)],
        "headers": _ref("schemas", "EventHeaders"),
        "contentType": "application/avro",
        "payload": {"schemaFormat": AVRO, "schema": OneLine(event_type.schema)},
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "description": "The event's subject, UTF-8.",
                    "pattern": _subjects(event_type),
                },
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicRecordNameStrategy",
                "bindingVersion": BINDING,
            }
        },
        "x-schema-sha256": event_type.sha256.hex(),
    }


def _headers() -> dict[str, Any]:
    texts = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"format": "uuid", "description": "meta.event_id"},
        "ce_type": {"description": "The message's name, such as runut.events.LetterSent."},
        "ce_source": {"description": "/agencies/ and meta.agency", "pattern": "^/agencies/"},
        "ce_subject": {"description": "meta.subject"},
        "ce_time": {"format": "date-time", "description": "meta.occurred_at"},
        "content-type": {"const": "application/avro"},
        "traceparent": {"description": "W3C Trace Context."},
        KEY_ID_HEADER: {"description": "The published key that signs."},
        SIGNATURE_HEADER: {"description": SIGNATURE},
    }
    return {
        "type": "object",
        "description": (
            "Each at most once. Those of CloudEvents (Kafka binding, binary mode) may be left out, "
            "but never say otherwise than the body."
        ),
        "required": [KEY_ID_HEADER, SIGNATURE_HEADER],
        "properties": {name: {"type": "string", **more} for name, more in texts.items()},
    }


def _seal() -> dict[str, Any]:
    return {
        "name": "Seal",
        "title": "Seal",
        "summary": SEAL,
        "headers": {
            "type": "object",
            "required": ["runut-seal"],
            "properties": {"runut-seal": {"type": "string", "description": "The seal's entry."}},
        },
        "contentType": "text/plain",
        "payload": {"type": "string"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The origin of the log of seals."},
                "bindingVersion": BINDING,
            }
        },
    }


def _of(types: list[EventType], topic: str) -> list[str]:
    return [one.name for one in types if one.topic == topic]


def _subjects(event_type: EventType) -> str:
    """A pattern that keys match: one alternative for each kind of subject."""
    ids = {"agency": AGENCY_PATTERN.pattern, "directory": "[0-9]{1,4}"}
    kinds = (f"{kind}/{ids.get(kind, ID_PATTERN.pattern)}" for kind in sorted(event_type.kinds))
    return f"^({'|'.join(kinds)})$"


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


if __name__ == "__main__":
    main()
