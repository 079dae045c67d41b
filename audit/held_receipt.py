"""Hold the ledger to a receipt that its gateway signed (integrity.md §7).

A receipt says which event stands where, and until when a seal covers it. Whoever kept one needs no
word of the ledger's to find that it was dropped or changed: the receipt is the evidence. Relies on
the directory for the gateway's key, on Kafka for the record, on the log of seals for the rest.
"""

from __future__ import annotations

from datetime import datetime

from audit.documents import moment_of
from audit.policy import Policy
from audit.trusted import demand_trusted
from projections.seals.receipts import Inclusion, Place, prove_inclusion
from runut import codec
from runut.adapters import kafka, postgres
from runut.directory import Directory, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadInput, LedgerMismatch, MissingKey, NotFound, RunutError
from runut.event import SYSTEM
from runut.keystore import KeyStore
from runut.log_reader import event_type_of
from runut.notes import parse_note, verified
from runut.receipts import SignedReceipt, check
from runut.records import RawRecord, leaf_entry
from runut.rfc3339 import format_time, parse_time
from runut.seal_key import seal_signer
from runut.seals import origin_of
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
    demand_first_sealed(found)
    if found.proof.entry != leaf_entry(record.key, record.encoded()):
        raise BrokenPromise(receipt, "the record that was sealed", "another one in Kafka")
    if found.first_sealed.sealed_at > parse_time(receipt.included_by):
        at = f"seal {found.first_sealed.index} of {format_time(found.first_sealed.sealed_at)}"
        raise BrokenPromise(receipt, f"a seal by {receipt.included_by}", at)
    return found


def demand_first_sealed(found: Inclusion) -> None:
    """That the proof leads to its checkpoint, and the first seal is the first under the same one.

    Raises:
        BadInput: it is not so, whatever PostgreSQL says.
    """
    found.proof.demand()
    place, first = found.place, found.first_sealed
    proofs = [one for one in (first.before, first.proof) if one is not None]
    if any(one.checkpoint() != found.proof.seal.checkpoint() for one in proofs):
        raise BadInput(f"checkpoint of seal {first.index}", "that of the proof", "another")
    seals = [one.seal() for one in proofs]
    covers = [one.head(place.topic, place.partition).size > place.offset for one in seals]
    indexes = [one.index for one in seals]
    expected = list(range(max(0, first.index - 1), first.index + 1))
    if indexes != expected or covers != [False, True][-len(seals) :]:
        thing = f"first seal of {place.topic}/{place.partition}:{place.offset}"
        raise BadInput(thing, f"seal {first.index}", "another")


def checked_signatures(settings: Settings, found: Inclusion, policy: Policy | None) -> str:
    """Hold the signatures of a proof's checkpoint to a policy; says whose they are.

    Without one, to the key of seals in this data directory; where there is none either, they are
    named and nothing else.

    Raises:
        BadInput: the policy's keys or quorum, or this key, did not sign it.
    """
    if policy is not None:
        witnesses = demand_trusted(found.proof.seal, policy)
        return f"signed by {policy.ledger.name}, cosigned by {', '.join(witnesses) or 'nobody'}"
    note, checkpoint = parse_note(found.proof.seal.note.encode()), found.proof.seal.checkpoint()
    try:
        key = seal_signer(
            KeyStore(settings.keys), checkpoint.origin.removesuffix(origin_of(""))
        ).key
    except MissingKey:
        names = ", ".join(f"{one.name} ({one.key_hash.hex()})" for one in note.signatures)
        return f"UNANCHORED: no --policy was given; signed, as it says itself, by {names}"
    if not verified(note, [key]):
        raise BadInput("checkpoint", f"a signature of {key}", "none")
    return f"signed by {key.name}, whose key is here; whether witnesses did, a --policy tells"


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
