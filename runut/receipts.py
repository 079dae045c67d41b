"""Receipts: what the gateway signs when an event is in the log, so that a dropped one is evidence.

Pure. Owns the text that is signed (integrity.md §7), making and checking. Whose the key is and
whether it was valid says `runut.directory`; that the promise was kept, `runut.seals`.

A receipt says where an event stands, and promises that a seal covers it within ten minutes. The
text, UTF-8, is these lines, each ended by a line feed; the values are those of its JSON form:

    runut/receipt/v1
    ledger_id 8f0c…              32 hex digits
    event_id 0197f1c2-…
    agency kp2mi
    subject case/KP2MI-2025-0001
    topic runut.events
    partition 3
    offset 17
    recorded_at 2025-05-08T03:00:00.123000Z
    event_digest 5ad1…           64 hex digits; - where the event went unsigned
    included_by 2025-05-08T03:10:00.123000Z

Receipts that are made together share one signature, as events do (integrity.md §1): the leaf of
each is SHA-256(0x00 ‖ text), and `signature` is base64 of the same bytes as the header
`runut-signature`, with a nonce of 16 zero bytes.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final, NoReturn

import msgspec
from msgspec import Meta

from runut.errors import BadInput
from runut.event import UUID_PATTERN, AgencyCode, EventId, Subject
from runut.keystore import SigningKey
from runut.merkle import leaf_hash
from runut.rfc3339 import format_time
from runut.signing import NONCE_SIZE, VerifiedBatches, parse_signature, sign_batch

PROMISE: Final = timedelta(minutes=10)
"""Within which a recorded event is covered by a seal."""
_CONTEXT: Final = "runut/receipt/v1"
_NO_NONCE: Final = bytes(NONCE_SIZE)
_UNSIGNED: Final = "-"

# One line of the text each: whatever could break a line is refused when a receipt is read.
_Word = Annotated[str, Meta(pattern=r"\A[!-~]{1,255}\Z")]
_Hex16 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Uuid = Annotated[str, Meta(pattern=rf"\A{UUID_PATTERN.pattern}\Z")]
_Count = Annotated[int, Meta(ge=0)]


class Statement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a receipt says; times are RFC 3339 in UTC."""

    ledger_id: _Hex16
    event_id: _Uuid
    agency: _Word
    subject: _Word
    topic: _Word
    partition: _Count
    offset: _Count
    recorded_at: _Word
    event_digest: _Hex32 | None
    """What the event's signature covers; None where it went unsigned."""
    included_by: _Word
    """Until then a seal covers it, or somebody has to answer for that."""

    def text(self) -> bytes:
        """The lines that are signed."""
        return (
            f"{_CONTEXT}\nledger_id {self.ledger_id}\nevent_id {self.event_id}\n"
            f"agency {self.agency}\nsubject {self.subject}\ntopic {self.topic}\n"
            f"partition {self.partition}\noffset {self.offset}\nrecorded_at {self.recorded_at}\n"
            f"event_digest {self.event_digest or _UNSIGNED}\nincluded_by {self.included_by}\n"
        ).encode()


class SignedReceipt(Statement, frozen=True, kw_only=True, gc=False):
    """A statement with who signed it."""

    key_id: _Word
    """Of a key that the ledger's directory knows."""
    signature: str
    """Base64."""


def statement(
    *,
    ledger_id: bytes,
    event_id: EventId,
    agency: AgencyCode,
    subject: Subject,
    topic: str,
    partition: int,
    offset: int,
    recorded_at: datetime,
    event_digest: bytes | None,
) -> Statement:
    """What a receipt says about an event that Kafka stored; `recorded_at` is Kafka's time."""
    said_at, included_by = _times(recorded_at)
    return Statement(
        ledger_id=ledger_id.hex(),
        event_id=event_id,
        agency=agency,
        subject=subject,
        topic=topic,
        partition=partition,
        offset=offset,
        recorded_at=said_at,
        event_digest=event_digest.hex() if event_digest is not None else None,
        included_by=included_by,
    )


def sign(statements: Sequence[Statement], key: SigningKey) -> list[SignedReceipt]:
    """The receipts of 1 to 1,024 statements, in order; one alone is always signed alike.

    Raises:
        BadInput: there are none, or more.
    """
    leaves = [leaf_hash(one.text()) for one in statements]
    signatures = sign_batch(key.private_key, _NO_NONCE * len(leaves), leaves)
    return [
        _signed(one, key.key_id, b64encode(signature).decode())
        for one, signature in zip(statements, signatures, strict=True)
    ]


def check(receipt: SignedReceipt, public_key: bytes) -> None:
    """Pass a receipt that this key signed. Needs nothing but the two: no network, no clock.

    Raises:
        BadInput: it did not, or the signature is not written as it must be.
    """
    try:
        signature = parse_signature(b64decode(receipt.signature, validate=True))
    except ValueError:  # what base64 raises is one
        _fail(receipt.signature)
    if b64encode(signature.to_bytes()).decode() != receipt.signature:
        _fail(receipt.signature)
    leaf = leaf_hash(receipt.text())
    if signature.nonce != _NO_NONCE or not VerifiedBatches().holds(public_key, signature, leaf):
        raise BadInput("signature of the receipt", f"one by key {receipt.key_id}", "another")


def receipt_of(given: bytes) -> SignedReceipt:
    """The receipt in its JSON form; members that are none of its own are left aside.

    Raises:
        BadInput: it is none.
    """
    try:
        return msgspec.json.decode(given, type=SignedReceipt)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("receipt", "a receipt as the gateway gives it", error) from None


@lru_cache(maxsize=1024)  # what Kafka stores together has one time
def _times(recorded_at: datetime) -> tuple[str, str]:
    return format_time(recorded_at), format_time(recorded_at + PROMISE)


def _signed(one: Statement, key_id: str, signature: str) -> SignedReceipt:
    return SignedReceipt(
        ledger_id=one.ledger_id,
        event_id=one.event_id,
        agency=one.agency,
        subject=one.subject,
        topic=one.topic,
        partition=one.partition,
        offset=one.offset,
        recorded_at=one.recorded_at,
        event_digest=one.event_digest,
        included_by=one.included_by,
        key_id=key_id,
        signature=signature,
    )


def _fail(found: str) -> NoReturn:
    raise BadInput("signature of the receipt", "base64 of a signature's bytes", found) from None
