"""What a caller gives: one event in its JSON form, or a record that its agency signed.

Pure. Owns the forms. Whose event it may be, and whether it counts, is asked elsewhere.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, Final

import msgspec

from runut.encoded import EncodedRecord, record_of
from runut.errors import BadInput, FieldError
from runut.event import AgencyCode, Event
from runut.event_ids import DerivedIds
from runut.json_form import from_json, json_object
from runut.signing import KEY_ID_HEADER, SIGNATURE_HEADER, Headers

# Structured-field strings are quoted (draft-ietf-httpapi-idempotency-key-header §2.1); many
# clients leave the quotes away.
_KEY: Final = re.compile(r'"([ !#-\[\]-~]{1,255})"|([!#-\[\]-~]{1,255})')
_KEY_EXPECTED: Final = "1 to 255 printable ASCII characters, with or without quotes around"
MAX_KEY_ID: Final = 255


class Given(msgspec.Struct, frozen=True, gc=False):
    """An event, and how it is signed: by the gateway, by these headers, or as a whole record."""

    event: Event
    signature: Headers | None = None
    """The headers that sign it, made by its agency; None leaves signing to the gateway."""
    by_key: str | None = None
    """The Idempotency-Key that its event_id was derived from."""


def given_event(
    body: bytes, *, signature: Headers | None, key: str | None, agency: AgencyCode, ids: DerivedIds
) -> Given:
    """One event in its JSON form, and the values of the headers that came with it.

    `key` is the Idempotency-Key: where the event has no id of its own, its id follows from agency
    and key, so that nothing has to be remembered to know a repeat.

    Raises:
        FieldError: naming the field, or the header.
    """
    fields = json_object(body)
    by_key = None
    if "event_id" not in fields:
        if signature is not None:
            raise FieldError("event_id", "the one that was signed", "nothing")
        if key is not None:
            by_key = idempotency_key(key)
            fields["event_id"] = ids.of("idempotency-key", agency, by_key)
    return Given(from_json(fields), signature, by_key)


def given_line(text: bytes) -> Given:
    """One line of a batch: an event, with `key_id` and `signature` beside its fields if signed.

    An absent event_id follows from the line's content, as in files.

    Raises:
        FieldError: naming the field.
    """
    fields = json_object(text)
    if "signature" not in fields and "key_id" not in fields:
        return Given(from_json(fields, derive_id=True))
    signed = signature_headers(fields.pop("key_id", None), fields.pop("signature", None))
    if "event_id" not in fields:
        raise FieldError("event_id", "the one that was signed", "nothing")
    return Given(from_json(fields), signed)


def given_record(body: bytes) -> EncodedRecord:
    """A record that is ready to be sent, as `runut encode --json` prints it.

    Raises:
        FieldError: naming the member.
    """
    return record_of(body)


def signature_headers(
    key_id: Any, signature: Any, names: tuple[str, str] = ("key_id", "signature")
) -> Headers | None:
    """The headers that sign an event, from texts beside it; None where there are neither.

    Raises:
        FieldError: one without the other, or no base64.
    """
    if key_id is None and signature is None:
        return None
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID:
        raise FieldError(names[0], "the id of the key that signed", key_id or "nothing")
    if not isinstance(signature, str):
        raise FieldError(names[1], "the signature in base64", signature or "nothing")
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        raise FieldError(names[1], "the signature in base64", signature) from None
    return [(KEY_ID_HEADER, key_id.encode()), (SIGNATURE_HEADER, raw)]


def idempotency_key(header: str) -> str:
    """The key in an Idempotency-Key header.

    Raises:
        BadInput: it holds none.
    """
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise BadInput("Idempotency-Key", _KEY_EXPECTED, header)
    return found[1] or found[2]
