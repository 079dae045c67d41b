"""Read a partition of the events topic: what each record is, before any subject is asked.

Pure. A record is an event with its place (`Recorded`), a marker that announces a directory record,
or no event at all (NotAnEvent, to be quarantined). What it is depends on the partition's records
and the directory's alone, so the projector, a rebuild and an auditor read the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final

from runut import codec
from runut.admission import check_event, check_headers, check_place
from runut.catalogue import EventType, catalogue
from runut.directory import Directory, known_schema
from runut.directory_log import DirectoryLog
from runut.errors import BadInput, LedgerMismatch, NotAnEvent
from runut.event import Event, Recorded, SignatureStatus
from runut.native import IS_USED
from runut.records import LOG_APPEND_TIME, RawRecord
from runut.signing import (
    Malformed,
    SignedBy,
    VerifiedBatches,
    event_digest,
    read_headers,
    read_signature,
)
from runut.usual_headers import signature_beside

if IS_USED:
    from runut.native import reading

MARKER_PREFIX: Final = b"directory/"
CONTENT_SIZE: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class PartitionReader:
    """One partition, read in order from where a position stands."""

    def __init__(
        self,
        partition: int,
        directories: DirectoryLog,
        *,
        directory_offset: int = -1,
        recorded_at: datetime | None = None,
        verified: VerifiedBatches | None = None,
    ) -> None:
        """Go on where a position stands; `verified` is shared by readers of one worker."""
        self.partition = partition
        self.directory_offset = directory_offset
        self.recorded_at = recorded_at
        self._directories = directories
        self._verified = verified if verified is not None else VerifiedBatches()
        self._turn_to(directories.at(directory_offset))
        self._stamped_ms: int | None = None
        self._timestamp_type: int | None = None

    @property
    def now(self) -> datetime:
        """The latest of the broker's times so far; 1970 where no record had one yet."""
        return self.recorded_at or _EPOCH

    def announces(self, record: RawRecord) -> int | None:
        """Offset of the directory record that a marker names, if the record may be one.

        The directory has to be read up to there before `read` is called.
        """
        if record.key is None or not record.key.startswith(MARKER_PREFIX):
            return None
        try:
            return int(_decode_marker(record).data["offset"])
        except BadInput:
            return None

    def is_ahead(self, record: RawRecord) -> bool:
        """Whether a marker by the ledger itself announces a directory record that is not here."""
        offset = self.announces(record)
        if offset is None or offset < self._directories.size:
            return False
        try:
            self._demand_own(record, _decode_marker(record), self._directories.latest)
        except BadInput:
            return False
        return True

    def read(self, record: RawRecord) -> Recorded | None:
        """The next record as an event; None for a marker, which moves the directory on.

        Raises:
            NotAnEvent: it is neither.
            LedgerMismatch: it needs a newer release than this one.
        """
        self._verified.record = record
        self._advance_clock(record)
        if record.key is not None and record.key.startswith(MARKER_PREFIX):
            self._advance_directory(record)
            return None
        if self._glance is not None:
            seen = self._glance.read(record, self.recorded_at, self.directory_offset)
            if seen is not None:
                return seen
        return self._read_event(record)

    def read_on(self, records: list[RawRecord], into: list[Recorded]) -> Iterator[RawRecord]:
        """Add the events that are seen at a glance; gives each other record when it is its turn.

        That one is to be read, or passed by, before the next is asked for.
        """
        at = 0
        while (at := self._glance_on(records, at, into)) < len(records):
            yield records[at]
            at += 1

    def _glance_on(self, records: list[RawRecord], at: int, into: list[Recorded]) -> int:
        if self._glance is None or self._stamped_ms is None or self._timestamp_type is None:
            return at
        return self._glance.read_on(
            records,
            at,
            self._stamped_ms,
            self._timestamp_type,
            self.recorded_at,
            self.directory_offset,
            into,
        )

    def pass_by(self, record: RawRecord) -> None:
        """Leave a record unread that is no marker: it moves the partition's clock all the same."""
        with suppress(NotAnEvent):
            self._advance_clock(record)

    def _expected_timestamp_type(self) -> int:
        # Not as announced: a ledger is founded once, before anything else is written.
        ledger = self._directories.latest.ledger
        if ledger is None:
            return LOG_APPEND_TIME
        self._timestamp_type = ledger.timestamp_type
        return self._timestamp_type

    def _advance_clock(self, record: RawRecord) -> None:
        """Raise NotAnEvent where the time is not the broker's: it would be the emitter's."""
        expected = self._timestamp_type or self._expected_timestamp_type()
        if record.timestamp_type != expected:
            raise NotAnEvent("timestamp type", str(expected), record.timestamp_type)
        # Records that came to the broker together have one timestamp.
        if record.timestamp_ms != self._stamped_ms:
            stamped = _moment(record.timestamp_ms)
            self._stamped_ms = record.timestamp_ms
            self.recorded_at = max(self.recorded_at or stamped, stamped)

    def _read_event(self, record: RawRecord) -> Recorded:
        schema_id, body = codec.unframe(record.value)
        event_type = self._types.get(schema_id) or self._event_type(schema_id)
        event = codec.decode(event_type, body)
        check_place(event_type, event, record.key, self.partition, self._partitions)
        signed = _signed_by(event, record)
        # Every event passes here, and arguments without names cost a third less.
        return Recorded(
            event,
            self.partition,
            record.offset,
            self.now,
            self.directory_offset,
            self._signature_status(self._directory, event_type, event, body, signed),
            schema_id,
            body,
            content_of(event.type, body),
        )

    def _event_type(self, schema_id: int) -> EventType:
        found = self._types[schema_id] = event_type_of(self._directory, schema_id)
        return found

    def _signature_status(
        self,
        directory: Directory,
        event_type: EventType,
        event: Event,
        body: bytes,
        signed: SignedBy | Malformed | None,
    ) -> SignatureStatus:
        """Stage 1 of events.md §3, as far as it needs the record."""
        ledger = directory.ledger
        if ledger is None or not isinstance(signed, SignedBy):
            return self._refusal(directory, event.agency, signed)
        key = directory.usable_key(event.agency, signed.key_id)
        if key is None or self.now < key.valid_from:
            return self._refusal(directory, event.agency, signed)
        signature = signed.signature
        digest = event_digest(
            ledger.ledger_id, signature.nonce, event_type.sha256, event.subject, body
        )
        return "VALID" if self._verified.holds(key.public_key, signature, digest) else "INVALID"

    def _refusal(
        self, directory: Directory, agency: str, signed: SignedBy | Malformed | None
    ) -> SignatureStatus:
        """Why there is no signature to be verified."""
        ledger = directory.ledger
        if ledger is None or directory.agency(agency) is None:
            return "UNKNOWN_AGENCY"
        if signed is None:
            return "MISSING" if ledger.require_signatures else "UNSIGNED"
        key = directory.key(agency, signed.key_id) if signed.key_id is not None else None
        if key is None or self.now < key.valid_from:
            return "KEY_UNKNOWN"
        return "KEY_REVOKED" if directory.is_revoked(agency, key.key_id) else "INVALID"

    def _advance_directory(self, record: RawRecord) -> None:
        """Take a marker: only a true one, by the ledger itself, moves the directory on."""
        event = _decode_marker(record)
        offset = event.data["offset"]
        root = self._directories.root(offset)
        if root is None or root != event.data["root"]:
            raise NotAnEvent(f"root of the directory at {offset}", "that of its records", "another")
        directory = self._directories.at(offset)
        self._demand_own(record, event, directory)
        if offset > self.directory_offset:
            self.directory_offset = offset
            self._turn_to(directory)

    def _demand_own(self, record: RawRecord, event: Event, directory: Directory) -> None:
        """That a marker is the ledger's own."""
        marker_type = catalogue().by_name("DirectoryAdvanced")
        _, body = codec.unframe(record.value)
        check_event(
            marker_type,
            event,
            key=record.key,
            partition=self.partition,
            partitions=1,
            headers=record.headers,
        )
        signed = read_headers(record.headers)
        status = self._signature_status(directory, marker_type, event, body, signed)
        agency = directory.agency(event.agency)
        if status not in {"VALID", "UNSIGNED"} or agency is None or agency.kind != "SYSTEM":
            found = f"{event.agency}: {status}"
            raise NotAnEvent("marker", "signed by an agency of kind SYSTEM", found)

    def _turn_to(self, directory: Directory) -> None:
        """Judge by this directory from now on."""
        self._directory = directory
        self._partitions = directory.ledger.partitions if directory.ledger else 1
        self._types: dict[int, EventType] = {}
        # Events as our producers write them are read at once; all else takes `_read_event`.
        self._glance = (
            reading.EventReader(directory, self.partition, self._verified, event_type_of)
            if IS_USED and directory.ledger
            else None
        )


def event_type_of(directory: Directory, schema_id: int) -> EventType:
    """The type that a frame's schema id stands for in this ledger.

    Raises:
        NotAnEvent: the directory as announced does not know the id.
        LedgerMismatch: it does, and this release does not: verdicts must not depend on releases.
    """
    schema = known_schema(directory, schema_id)
    return _of_release(schema.name, schema.sha256)


@lru_cache(maxsize=1024)
def _of_release(name: str, digest: bytes) -> EventType:
    try:
        return catalogue().by_sha256(digest)
    except BadInput:
        raise LedgerMismatch(
            f"schema {name} ({digest.hex()[:16]}…) is announced in the directory and unknown to "
            "this release of Runut: upgrade it"
        ) from None


def _moment(ms: int) -> datetime:
    try:
        return _EPOCH + ms * _MILLISECOND
    except OverflowError:
        raise NotAnEvent("timestamp", "milliseconds of the years 1 to 9999", ms) from None


def _signed_by(event: Event, record: RawRecord) -> SignedBy | Malformed | None:
    """Whose signature a record has, all its headers being looked at.

    Raises:
        NotAnEvent: those of CloudEvents contradict the event.
    """
    beside = signature_beside(event, record.key, record.headers)
    if beside is not None:
        return read_signature(*beside)
    check_headers(event, record.headers)
    return read_headers(record.headers)


def content_of(event_type: str, body: bytes) -> bytes:
    """What tells two events with one id apart: of what type they are, and what they say."""
    return sha256(b"%b\0%b" % (event_type.encode(), body)).digest()[:CONTENT_SIZE]


def _decode_marker(record: RawRecord) -> Event:
    """A marker is known by its key: it goes before the schema ids that it announces."""
    _, body = codec.unframe(record.value)
    return codec.decode(catalogue().by_name("DirectoryAdvanced"), body)
