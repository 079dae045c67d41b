"""Who a record that is no event says it is from, and as what: nothing of it is checked.

Pure. For people who look into the quarantine and want to know whom to ask. Refuses nothing and
believes nothing: a claim is a hint, and anybody may claim anything. Given the same record and
directory it is always the same, so a rebuild writes what was written before.
"""

from __future__ import annotations

from typing import Final

import msgspec

from runut import codec
from runut.catalogue import EventType, catalogue
from runut.directory import Directory, known_schema
from runut.directory_log import CE_TYPE_PREFIX
from runut.errors import BadInput
from runut.event import AGENCY_PATTERN
from runut.records import RawRecord
from runut.signing import KEY_ID_HEADER

SOURCE_PREFIX: Final = "/agencies/"
MAX_KEY_ID: Final = 200
"""Characters of a key id that are kept."""


class Claim(msgspec.Struct, frozen=True):
    """Who probably sent a record, and as what."""

    key_id: str | None = None
    """Of the header that says which key signed it."""
    agency: str | None = None
    """By its body if that can be read, else by `ce_source`, else whose key that is."""
    type: str | None = None
    """Of the catalogue, by its schema id, else by `ce_type`."""


def claim_of(record: RawRecord, directory: Directory) -> Claim:
    """What a record says of itself, read by the directory as announced before it."""
    key_id = _header(record, KEY_ID_HEADER)
    if key_id is not None and not (key_id.isprintable() and len(key_id) <= MAX_KEY_ID):
        key_id = None
    event_type = _type(record, directory)
    agency = _by_body(record, event_type) or _by_source(record) or _by_key(key_id, directory)
    return Claim(key_id, agency, event_type.name if event_type else None)


def _type(record: RawRecord, directory: Directory) -> EventType | None:
    try:
        schema_id, _ = codec.unframe(record.value)
        return catalogue().by_sha256(known_schema(directory, schema_id).sha256)
    except BadInput:
        pass
    try:
        return catalogue().by_name((_header(record, "ce_type") or "").removeprefix(CE_TYPE_PREFIX))
    except BadInput:
        return None


def _by_body(record: RawRecord, event_type: EventType | None) -> str | None:
    if event_type is None:
        return None
    try:
        _, body = codec.unframe(record.value)
        return _code(codec.decode(event_type, body).agency)
    except BadInput:
        return None


def _by_source(record: RawRecord) -> str | None:
    source = _header(record, "ce_source") or ""
    return _code(source.removeprefix(SOURCE_PREFIX)) if source.startswith(SOURCE_PREFIX) else None


def _by_key(key_id: str | None, directory: Directory) -> str | None:
    if key_id is None:
        return None
    owners = [one.code for one in directory.agencies() if directory.key(one.code, key_id)]
    return owners[0] if len(owners) == 1 else None


def _header(record: RawRecord, wanted: str) -> str | None:
    """A header that stands once, as text."""
    found = [value for name, value in record.headers if name == wanted]
    if len(found) != 1 or found[0] is None:
        return None
    return found[0].decode("utf-8", "replace")


def _code(text: str) -> str | None:
    return text if AGENCY_PATTERN.fullmatch(text) else None
