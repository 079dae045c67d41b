"""What goes out: an event as the Kafka record that carries it, encoded, framed and signed.

Pure but for signing's nonces. Used by everything that writes to the ledger, so that all of it
looks alike (events.md §1, integrity.md §1). Sending is `runut.producer` and
`runut.directory_writer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from runut import codec
from runut.admission import check_ids, cloud_event_headers
from runut.catalogue import EventType, catalogue
from runut.directory import Directory, founded
from runut.errors import BadInput, LedgerMismatch, NotAnEvent
from runut.event import LEDGER_KINDS, Event
from runut.json_form import from_json
from runut.keystore import KeyStore, SigningKey
from runut.signing import Headers, Signable, SignedEvent, Signer
from runut.tracing import new_span_id, trace_header


class Draft(Signable, frozen=True, gc=False):
    """An event that can be written: its type and its Avro body, not signed yet."""

    event: Event
    event_type: EventType
    trace: bytes | None = None
    """`traceparent` of what it was sent in; None gives it a trace of its own."""


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A Kafka record but for its place."""

    event: Event
    key: bytes
    value: bytes
    digest: bytes | None
    """The event digest that its signature covers; None where it is not signed."""
    trace: bytes | None = None
    """As that of its draft."""
    span: int = 0
    """Its place in a trace of its own."""
    signed: SignedEvent | None = None
    given: list[tuple[str, bytes]] | None = None
    """The headers of a record that came with them."""

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """CloudEvents', the trace, and those that sign it.

        Made when they are asked for: kept, they would be most of what the garbage collector has to
        look through while thousands of records are under way. `runut.native.record_batch` writes
        them into a batch without making them.
        """
        if self.given is not None:
            return self.given
        signature = self.signed.headers if self.signed else ()
        return headers_of(self.event, signature, self.trace, self.span)


class Envelope:
    """Turns events into records of one ledger."""

    def __init__(self, ledger_id: bytes, schema_ids: Mapping[str, int]) -> None:
        """Take the ledger's id and the schema id of each of this release's types by name."""
        self.ledger_id = ledger_id
        self._schema_ids = schema_ids

    @classmethod
    def of(cls, directory: Directory) -> Envelope:
        """For the ledger of a directory, with the schema ids that it announced.

        Raises:
            LedgerMismatch: no ledger is founded there.
        """
        return cls(founded(directory.ledger).ledger_id, known_schema_ids(directory))

    def draft(self, event: Event, *, is_checked: bool = False) -> Draft:
        """Encode an event. What came from JSON has had its ids checked.

        Raises:
            BadInput: it is no well-formed event of the catalogue, naming the field.
            LedgerMismatch: the ledger does not know this release's schema of it.
        """
        draft = draft_of(event, is_checked=is_checked)
        if event.type not in self._schema_ids:
            raise LedgerMismatch(
                f"the ledger does not know this release's schema of {event.type}; "
                "announce it with: runut ledger create"
            )
        return draft

    def seal(self, drafts: Sequence[Draft], signer: Signer | None) -> list[Outgoing]:
        """The records of at most 1,024 drafts, which share one signature; in order."""
        if signer is None:
            return [self._record(draft, None) for draft in drafts]
        return list(map(self._record, drafts, signer.sign(self.ledger_id, drafts)))

    def _record(self, draft: Draft, signed: SignedEvent | None) -> Outgoing:
        event = draft.event
        return Outgoing(
            event,
            event.subject.encode(),
            codec.frame(self._schema_ids[event.type], draft.body),
            signed.digest if signed else None,
            draft.trace,
            new_span_id(),
            signed,
        )


def draft_of(event: Event, *, is_checked: bool = False) -> Draft:
    """Encode an event, whatever the ledger. Raises BadInput as `Envelope.draft`."""
    event_type = catalogue().by_name(event.type)
    body = codec.encode(event_type, event)
    try:
        if not is_checked:
            check_ids(event_type, event)
    except NotAnEvent as error:
        raise BadInput(error.thing, error.expected, error.found) from None
    return Draft(event_type.sha256, event.subject, body, event, event_type)


def headers_of(
    event: Event, signature: Headers, traceparent: bytes | None, span: int
) -> list[tuple[str, bytes]]:
    """A record's headers; without a `traceparent` it is this span in a trace of its own."""
    return [*cloud_event_headers(event), trace_header(event, traceparent, span), *signature]


def demand_agencys(draft: Draft) -> None:
    """Raise BadInput where an event is not one that agencies emit."""
    if draft.event_type.kinds.isdisjoint(LEDGER_KINDS):
        raise BadInput("type", "an event of an agency", draft.event.type)


def known_schema_ids(directory: Directory) -> dict[str, int]:
    """Schema id of each type of this release that the directory announced in the same words."""
    return {
        event_type.name: schema_id
        for event_type in catalogue()
        if (schema_id := directory.schema_id(event_type.sha256)) is not None
    }


def usable_key(keys: KeyStore, directory: Directory, agency: str) -> SigningKey | None:
    """The agency's newest local key that the directory knows and has not revoked."""
    return next(usable_keys(keys, directory, agency), None)


def usable_keys(keys: KeyStore, directory: Directory, agency: str) -> Iterator[SigningKey]:
    """All of these, the newest first."""
    for key in reversed(keys.keys(agency)):
        published = directory.key(agency, key.key_id)
        if (
            published is not None
            and published.public_key == key.public_key
            and not directory.is_revoked(agency, key.key_id)
        ):
            yield key


def compose(
    event_type: str, subject: str, agency: str, occurred_at: datetime, data: Mapping[str, Any]
) -> Event:
    """An event with a new id, checked like one that came as JSON.

    Raises:
        FieldError: naming what is wrong.
    """
    return from_json(
        {
            "type": event_type,
            "subject": subject,
            "agency": agency,
            "occurred_at": occurred_at,
            "data": dict(data),
        }
    )
