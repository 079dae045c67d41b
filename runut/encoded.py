"""A signed record as JSON: what `runut encode` prints, and what may be sent over HTTP.

Pure. Owns the form, `application/vnd.runut.record+json`:

    {"topic": "runut.events", "partition": 3,
     "key": "Y2FzZS9BLTE=", "value": "AAAAAAc…", "headers": {"ce_id": "MDE5N…", …}}

`key`, `value` and the headers' values are base64 of the bytes that go to Kafka; the value is the
Confluent frame and the Avro body (events.md §1). `topic` and `partition` may be left out, or
null, by who leaves the place to the taker. Whether the record is an event, and of whom, is
judged from its bytes by whoever takes it.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

import msgspec

from runut.codec import MAX_VALUE
from runut.errors import FieldError

MEDIA_TYPE: Final = "application/vnd.runut.record+json"
MAX_DOCUMENT: Final = MAX_VALUE * 3 // 2
"""Bytes of a record's JSON at most: base64 takes a third more than the value, headers the rest."""


class EncodedRecord(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False
):
    """A Kafka record that is ready to be sent; its timestamp and offset the broker sets."""

    topic: str | None = None
    partition: int | None = None
    key: bytes
    """The subject, UTF-8."""
    value: bytes
    """Frame and body."""
    headers: dict[str, bytes]
    """By name, in their order: of the ledger's headers none stands twice."""

    def to_json(self) -> bytes:
        """The record as one JSON object; `record_of` makes the same record of it."""
        return msgspec.json.encode(self)


def record_of(given: bytes) -> EncodedRecord:
    """The record in a JSON object of at most `MAX_DOCUMENT` bytes.

    Raises:
        FieldError: naming the field by its path, such as `headers[...]`.
    """
    if len(given) > MAX_DOCUMENT:
        raise FieldError("record", f"{MAX_DOCUMENT} bytes at most", f"{len(given)} bytes")
    try:
        return msgspec.json.decode(given.removeprefix(BOM_UTF8), type=EncodedRecord)
    except msgspec.ValidationError as error:
        found, _, path = str(error).partition(" - at `$")
        field = path.strip(".`") or "record"
        raise FieldError(field, "what `runut encode --json` prints there", found) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FieldError("record", "a JSON object", error) from None
