"""Hold the ledger to a receipt that its gateway signed (integrity.md §7).

A receipt says which event stands where, and until when a seal covers it. Whoever kept one needs no
word of the ledger's to find that it was dropped or changed: the receipt is the evidence. Relies on
the directory for the gateway's key, on Kafka for the record, on the log of seals for the rest.
"""

from __future__ import annotations

from datetime import datetime

from audit.documents import moment_of
from projections.seals.receipts import Inclusion, Place, prove_inclusion
from runut import codec
from runut.adapters import kafka, postgres
from runut.directory import Directory, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadInput, LedgerMismatch, NotFound, RunutError
from runut.event import SYSTEM
from runut.log_reader import event_type_of
from runut.receipts import SignedReceipt, check
from runut.records import RawRecord, leaf_entry
from runut.rfc3339 import format_time, parse_time
from runut.settings import Settings
from runut.signing import SignedBy, event_digest, read_headers


class BrokenPromise(RunutError):
    """The ledger does not hold what a genuine receipt says; the receipt shows it."""

    def __init__(self, receipt: SignedReceipt, expected: str, found: str) -> None:
        self.receipt = receipt
        super().__init__(
            f"the receipt of event {receipt.event_id}, signed by key {receipt.key_id} of the "
            f"ledger: expected {expected}, found {found}"
        )


async def hold_to(
    settings: Settings, receipt: SignedReceipt, now: datetime, seal: int | None = None
) -> Inclusion:
    """The proof that what a receipt promised was kept.

    Raises:
        BadInput: nobody of this ledger signed it.
        BrokenPromise: the log has no such event there, or no seal covered it in time.
        NotFound: no seal covers it yet, and there is still time.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    async with DirectoryFollower(settings) as follower:
        directory = follower.log.latest
    _demand_genuine(receipt, directory)
    record = await _record(settings, receipt)
    _demand_event(receipt, record, directory)
    found = await _inclusion(settings, receipt, now, seal)
    found.proof.demand()
    if found.proof.entry != leaf_entry(record.key, record.encoded()):
        raise BrokenPromise(receipt, "the record that was sealed", "another one in Kafka")
    if found.first_sealed.sealed_at > parse_time(receipt.included_by):
        at = f"seal {found.first_sealed.index} of {format_time(found.first_sealed.sealed_at)}"
        raise BrokenPromise(receipt, f"a seal by {receipt.included_by}", at)
    return found


def _demand_genuine(receipt: SignedReceipt, directory: Directory) -> None:
    ledger_id = founded(directory.ledger).ledger_id.hex()
    if receipt.ledger_id != ledger_id:
        raise BadInput("ledger of the receipt", ledger_id, receipt.ledger_id)
    key = directory.key(SYSTEM, receipt.key_id)
    if key is None:
        raise BadInput("key of the receipt", f"one of {SYSTEM} in the directory", receipt.key_id)
    check(receipt, key.public_key)


async def _record(settings: Settings, receipt: SignedReceipt) -> RawRecord:
    if receipt.topic != settings.events_topic:
        raise BadInput("topic of the receipt", settings.events_topic, receipt.topic)
    place = receipt.topic, receipt.partition, receipt.offset
    try:
        found = await kafka.record_at(settings, *place)
    except LedgerMismatch as error:
        raise BrokenPromise(receipt, f"it at {_place(receipt)}", str(error)) from None
    if found is None:
        raise BrokenPromise(receipt, f"it at {_place(receipt)}", "no record there")
    return found


def _demand_event(receipt: SignedReceipt, record: RawRecord, directory: Directory) -> None:
    try:
        schema_id, body = codec.unframe(record.value)
        event_type = event_type_of(directory, schema_id)
        event = codec.decode(event_type, body)
    except BadInput as error:
        raise BrokenPromise(receipt, f"it at {_place(receipt)}", str(error)) from None
    signed, digest = read_headers(record.headers), None
    if isinstance(signed, SignedBy):
        ledger_id = founded(directory.ledger).ledger_id
        nonce = signed.signature.nonce
        digest = event_digest(ledger_id, nonce, event_type.sha256, event.subject, body).hex()
    stored_at = format_time(moment_of(record.timestamp_ms))
    said = receipt.event_id, receipt.agency, receipt.subject
    if (*said, receipt.event_digest, receipt.recorded_at) != (
        *(event.event_id, event.agency, event.subject),
        *(digest, stored_at),
    ):
        what = f"digest {receipt.event_digest}, of {receipt.recorded_at}"
        found = f"event {event.event_id} of {event.agency} on {event.subject}, "
        found += f"digest {digest}, of {stored_at}"
        raise BrokenPromise(receipt, f"it at {_place(receipt)}, {what}", found)


async def _inclusion(
    settings: Settings, receipt: SignedReceipt, now: datetime, seal: int | None
) -> Inclusion:
    place = Place(
        *(receipt.topic, receipt.partition, receipt.offset),
        *(receipt.event_id, receipt.subject, parse_time(receipt.recorded_at)),
    )
    async with postgres.connected(settings, name="runut receipt", autocommit=True) as connection:
        try:
            return await prove_inclusion(connection, settings, place, seal)
        except NotFound:
            if seal is None and now > parse_time(receipt.included_by):
                by = f"a seal by {receipt.included_by}"
                raise BrokenPromise(receipt, by, "none that covers it") from None
            raise


def _place(receipt: SignedReceipt) -> str:
    return f"{receipt.topic}/{receipt.partition}:{receipt.offset}"
