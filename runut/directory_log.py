"""The directory topic, record by record: which ones count, and the tree over all of them.

Pure. A record that does not count stays in the log and in the tree, and establishes nothing
(events.md §2); nor does one that counted before, which anybody can append again. Directory records
are decoded by the type that their `ce_type` header names: the signature covers the schema, so a
wrong name proves nothing, and no registry has to be asked for the ids that the directory itself
announces.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Final

from runut import codec
from runut.admission import check_event
from runut.calendar import CalendarDay, YearCalendar
from runut.catalogue import catalogue
from runut.directory import (
    Agency,
    AgencyKey,
    Directory,
    DirectoryFacts,
    KnownSchema,
    Ledger,
    Mandate,
    PublishedProtocol,
    Timeline,
    founded,
)
from runut.errors import BadInput, LedgerMismatch, NotAnEvent
from runut.event import Event, subject_id
from runut.merkle import Frontier
from runut.protocol import Protocol
from runut.records import RawRecord
from runut.signing import (
    SignedBy,
    VerifiedBatches,
    event_digest,
    read_headers,
)

CE_TYPE_PREFIX: Final = "runut.events."
Identity = tuple[str, str, str]
"""Subject, emitter and event_id: what makes a record the same one again."""


class DirectoryLog:
    """All directory records read so far."""

    def __init__(self) -> None:
        self._facts = DirectoryFacts()
        self._tree = Frontier()
        self._roots: list[bytes] = []
        self._verified = VerifiedBatches(256)
        self._counted: dict[Identity, int] = {}
        """Offsets of the records that count."""
        self._latest_ms = 0
        self.rejected: dict[int, str] = {}
        """Offsets of records that do not count, with the reason."""
        self.at: Callable[[int], Directory] = lru_cache(maxsize=1024)(self._view)
        """The view as of an offset that was read; LedgerMismatch of one that was not."""

    def _view(self, offset: int) -> Directory:
        # It would be remembered, and go on lacking what is read later.
        if offset >= self.size:
            raise LedgerMismatch(
                f"directory: expected to be read up to offset {offset}, found it read up to "
                f"{self.size - 1}"
            )
        return Directory(self._facts, offset)

    @property
    def size(self) -> int:
        """How many records were read; also the offset of the next."""
        return len(self._roots)

    @property
    def latest(self) -> Directory:
        """The directory as of the last record read."""
        return self.at(self.size - 1)

    def root(self, offset: int) -> bytes | None:
        """Root of the RFC 9162 tree over the records up to an offset; None if not read yet."""
        return self._roots[offset] if 0 <= offset < self.size else None

    def append(self, record: RawRecord) -> str | None:
        """Take the next record; gives the reason if it does not count.

        Raises:
            LedgerMismatch: it is not the next one, or the first one founds no ledger.
        """
        if record.offset != self.size:
            raise LedgerMismatch(
                f"{record.topic}: expected offset {self.size} next, found {record.offset}"
            )
        self._tree.append(record.leaf())
        self._roots.append(self._tree.root())
        try:
            event, signed_as = self._read(record)
            self._establish(record, event, signed_as)
        except BadInput as error:
            return self._reject(record.offset, str(error))
        return None

    def _reject(self, offset: int, reason: str) -> str:
        if offset == 0:
            raise LedgerMismatch(f"the first record of the directory founds no ledger: {reason}")
        self.rejected[offset] = reason
        return reason

    def _read(self, record: RawRecord) -> tuple[Event, SignedDirectoryRecord]:
        event_type = catalogue().by_name(_type_name(record))
        _, body = codec.unframe(record.value or b"")
        event = codec.decode(event_type, body)
        check_event(
            event_type,
            event,
            key=record.key,
            partition=record.partition,
            partitions=1,
            headers=record.headers,
            topic="directory",
        )
        signed = read_headers(record.headers)
        if not isinstance(signed, SignedBy):
            raise NotAnEvent("signature", "one by a root key or the agency", signed)
        return event, SignedDirectoryRecord(event_type.sha256, event.subject, body, signed)

    def _establish(self, record: RawRecord, event: Event, signed: SignedDirectoryRecord) -> None:
        identity, offset = (event.subject, event.agency, event.event_id), record.offset
        if offset == 0:
            self._found(event, signed)
        else:
            self._demand_clock(record)
            if not self._may(offset, event, signed):
                expected = "one by a key that may"
                raise NotAnEvent(f"signature of {event.type}", expected, signed.key_id)
            if identity in self._counted:
                found = f"that of the record at {self._counted[identity]}"
                raise NotAnEvent("event_id", "one that did not count before", found)
            establish = _ESTABLISH.get(event.type)
            if establish is None:
                raise NotAnEvent("type of a directory record", ", ".join(_ESTABLISH), event.type)
            establish(self._facts, offset, event)
        self._counted[identity] = offset

    def _demand_clock(self, record: RawRecord) -> None:
        """Move the directory's time on, which must not be an emitter's."""
        expected = founded(self._facts.ledger).timestamp_type
        if record.timestamp_type != expected:
            raise NotAnEvent("timestamp type", str(expected), record.timestamp_type)
        self._latest_ms = max(self._latest_ms, record.timestamp_ms)

    def _found(self, event: Event, signed: SignedDirectoryRecord) -> None:
        if event.type != "LedgerCreated":
            raise NotAnEvent("first record", "LedgerCreated", event.type)
        data = event.data
        ledger = Ledger(
            name=subject_id(event.subject),
            ledger_id=data["ledger_id"],
            partitions=data["partitions"],
            root_keys=tuple(data["root_keys"]),
            require_signatures=data["require_signatures"],
            clock=data["clock"],
        )
        digest = signed.digest(ledger.ledger_id)
        if not any(self._verifies(key, signed, digest) for key in ledger.root_keys):
            raise NotAnEvent("signature of LedgerCreated", "one by its root key", signed.key_id)
        self._facts.ledger = ledger

    def _may(self, offset: int, event: Event, signed: SignedDirectoryRecord) -> bool:
        """Whether a root key signed it, or the agency itself where that is enough."""
        ledger = self._facts.ledger
        if ledger is None:
            return False
        digest = signed.digest(ledger.ledger_id)
        if any(self._verifies(key, signed, digest) for key in ledger.root_keys):
            return True
        own = event.type in {"AgencyKeyPublished", "AgencyKeyRevoked"}
        agency = subject_id(event.subject)
        before = self.at(offset - 1)
        key = before.key(agency, signed.key_id) if own else None
        if key is None or before.is_revoked(agency, signed.key_id) or not self._is_valid_yet(key):
            return False
        return self._verifies(key.public_key, signed, digest)

    def _is_valid_yet(self, key: AgencyKey) -> bool:
        """Always in a TEST ledger: its directory's records have no times."""
        ledger = founded(self._facts.ledger)
        valid_from_ms = key.valid_from.timestamp() * 1000
        return ledger.clock == "TEST" or self._latest_ms >= valid_from_ms

    def _verifies(self, public_key: bytes, signed: SignedDirectoryRecord, digest: bytes) -> bool:
        return self._verified.holds(public_key, signed.by.signature, digest)


class SignedDirectoryRecord:
    """What the signature of a directory record covers."""

    def __init__(self, schema_sha256: bytes, subject: str, body: bytes, by: SignedBy) -> None:
        self.by = by
        self.key_id = by.key_id
        self._signed = (schema_sha256, subject, body)

    def digest(self, ledger_id: bytes) -> bytes:
        """The event digest that the batch's tree holds."""
        return event_digest(ledger_id, self.by.signature.nonce, *self._signed)


def _type_name(record: RawRecord) -> str:
    found = [value for name, value in record.headers if name == "ce_type"]
    if len(found) != 1 or found[0] is None:
        raise NotAnEvent("header ce_type", "exactly one", found)
    return found[0].decode("utf-8", "replace").removeprefix(CE_TYPE_PREFIX)


def _timeline(entries: dict[object, Timeline[object]], key: object) -> Timeline[object]:
    return entries.setdefault(key, Timeline())


def _same(event: Event, code: str) -> None:
    """The agency that a record is about is its subject's."""
    if code != subject_id(event.subject):
        raise NotAnEvent(f"agency in {event.type}", subject_id(event.subject), code)


def _register_agency(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    _same(event, data["code"])
    agency = Agency(
        code=data["code"],
        name_id=data["name_id"],
        name_en=data["name_en"],
        kind=data["kind"],
        roles=frozenset(data["roles"]),
        region=data["region"],
        escalates_to=data["escalates_to"],
        timezone=data["timezone"],
    )
    facts.agencies.setdefault(agency.code, Timeline()).add(offset, agency)


def _publish_key(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    _same(event, data["agency"])
    if len(data["public_key"]) != 32:
        raise NotAnEvent("public_key", "32 bytes", len(data["public_key"]))
    place = (data["agency"], data["key_id"])
    if place in facts.keys:
        raise NotAnEvent("key_id", "one not published before", data["key_id"])
    key = AgencyKey(
        data["agency"], data["key_id"], data["public_key"], data["custody"], data["valid_from"]
    )
    facts.keys.setdefault(place, Timeline()).add(offset, key)


def _revoke_key(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    _same(event, data["agency"])
    place = (data["agency"], data["key_id"])
    if place not in facts.keys:
        raise NotAnEvent("key_id", "a published key", data["key_id"])
    facts.revocations.setdefault(place, Timeline()).add(offset, data["revoked_at"])


def _grant_mandate(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    _same(event, data["agency"])
    mandate = Mandate(
        data["agency"], data["function"], data["valid_from"], data["valid_to"], data["basis"]
    )
    facts.mandates.setdefault(mandate.agency, Timeline()).add(offset, mandate)


def _publish_protocol(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    found = sha256(data["body"].encode()).hexdigest()
    if data["sha256"] != found:
        raise NotAnEvent("sha256 of ProtocolPublished", found, data["sha256"])
    protocol = PublishedProtocol(offset, data["effective_from"], Protocol(data["body"]))
    facts.protocols.add(offset, protocol)


def _publish_calendar(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    days = tuple(CalendarDay(**day) for day in data["days"])
    calendar = YearCalendar(data["year"], days, data["basis"])
    facts.calendars.setdefault(calendar.year, Timeline()).add(offset, calendar)


def _register_schema(facts: DirectoryFacts, offset: int, event: Event) -> None:
    data = event.data
    try:
        digest = bytes.fromhex(data["sha256"])
    except ValueError:
        found = data["sha256"]
        raise NotAnEvent("sha256 of SchemaRegistered", "hexadecimal digits", found) from None
    schema = KnownSchema(data["schema_id"], data["name"], digest)
    facts.schemas.setdefault(schema.schema_id, Timeline()).add(offset, schema)


_ESTABLISH: Final[dict[str, Callable[[DirectoryFacts, int, Event], None]]] = {
    "AgencyRegistered": _register_agency,
    "AgencyKeyPublished": _publish_key,
    "AgencyKeyRevoked": _revoke_key,
    "MandateGranted": _grant_mandate,
    "ProtocolPublished": _publish_protocol,
    "CalendarPublished": _publish_calendar,
    "SchemaRegistered": _register_schema,
}
