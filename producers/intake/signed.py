"""Records that their agencies signed themselves: judged before they are published.

Pure. A record is read exactly as every reader of the log will read it (`runut.log_reader`), by the
directory as it is now, so that nothing is taken that would be no event, or nobody's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from runut.admission import Headers as RecordHeaders
from runut.codec import frame
from runut.directory import Directory, founded, known_schema
from runut.directory_log import DirectoryLog
from runut.encoded import EncodedRecord
from runut.errors import BadInput, Refused
from runut.event import Recorded, SignatureStatus
from runut.log_reader import MARKER_PREFIX, PartitionReader
from runut.outgoing import Draft, Outgoing, headers_of
from runut.partitioner import partition_of
from runut.records import RawRecord
from runut.signing import Headers, SignedBy, event_digest, read_headers
from runut.tracing import current_traceparent, new_span_id

NOT_RECORDED: Final = 0
_CODES: Final[dict[SignatureStatus, str]] = {
    "MISSING": "SIGNATURE_MISSING",
    "INVALID": "SIGNATURE_INVALID",
}
"""Of the statuses that are not codes themselves."""


class Signed(NamedTuple):
    """A record that may be sent, and the event in it as a reader of the log would see it."""

    outgoing: Outgoing
    recorded: Recorded


def as_record(draft: Draft, schema_id: int, signature: Headers) -> EncodedRecord:
    """The record of an event that came as JSON with the headers that sign it."""
    headers = headers_of(draft.event, signature, current_traceparent(), new_span_id())
    return EncodedRecord(
        key=draft.event.subject.encode(),
        value=frame(schema_id, draft.body),
        headers=dict(headers),
    )


def judge(given: EncodedRecord, directories: DirectoryLog, topic: str, now: datetime) -> Signed:
    """Pass a record whose event is its agency's beyond doubt, as the directory knows it now.

    Raises:
        BadInput: it is no event of an agency, or belongs elsewhere.
        Refused: with the one code that its signature would get (events.md §3, stage 1).
    """
    if given.topic not in {None, topic}:
        raise BadInput("topic", topic, given.topic)
    if given.key.startswith(MARKER_PREFIX):
        raise BadInput("key", "the subject of an agency's event", given.key)
    directory = directories.latest
    ledger = founded(directory.ledger)
    proper = partition_of(given.key, ledger.partitions)
    raw = RawRecord(
        topic=topic,
        partition=proper if given.partition is None else given.partition,
        offset=NOT_RECORDED,
        timestamp_ms=int(now.timestamp() * 1000),
        timestamp_type=ledger.timestamp_type,
        key=given.key,
        value=given.value,
        headers=tuple(given.headers.items()),
    )
    reader = PartitionReader(raw.partition, directories, directory_offset=directory.offset)
    recorded = reader.read(raw)
    assert recorded is not None  # noqa: S101 - only markers give None, and their keys are refused
    if not recorded.is_authentic:
        code = _CODES.get(recorded.signature, recorded.signature)
        raise Refused(recorded.event.type, recorded.event.subject, (code,))
    return Signed(_outgoing(given, recorded, directory), recorded)


def digest_of(recorded: Recorded, headers: RecordHeaders, directory: Directory) -> bytes | None:
    """What the signature in a record's headers covers; None where it is not signed."""
    signed = read_headers(headers)
    if not isinstance(signed, SignedBy):
        return None
    ledger_id = founded(directory.ledger).ledger_id
    schema = known_schema(directory, recorded.schema_id).sha256
    nonce, subject = signed.signature.nonce, recorded.event.subject
    return event_digest(ledger_id, nonce, schema, subject, recorded.body)


def _outgoing(given: EncodedRecord, recorded: Recorded, directory: Directory) -> Outgoing:
    headers = list(given.headers.items())
    digest = digest_of(recorded, headers, directory)
    return Outgoing(recorded.event, given.key, given.value, digest, given=headers)
