"""Check the signatures of records once, for whoever reads them again.

Owns which public keys a record may have been signed with. What is found is no verdict: whether a
key was valid then is left to those who read in order (runut/log_reader.py). It is a fact of bytes,
of use to those alone who ask for the same public key; a record whose headers name no agency, or a
key or schema that the directory does not know by now, goes unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from projections.seals.store import SignatureCheck
from runut.catalogue import catalogue
from runut.codec import FRAME_SIZE
from runut.directory import Directory
from runut.directory_log import CE_TYPE_PREFIX, DirectoryLog
from runut.errors import BadInput
from runut.native import IS_USED
from runut.records import RawRecord
from runut.signing import SignedBy, VerifiedBatches, event_digest, read_headers

if IS_USED:
    from runut.native import signatures

NOT_CHECKED: Final = 0
MAX_CHECKS: Final = 0xFFFF
"""Outcomes that have a number: two for each key of the directory."""
_SOURCE_PREFIX: Final = b"/agencies/"
_read_headers: Final = signatures.read_headers if IS_USED else read_headers
_digest: Final = signatures.event_digest if IS_USED else event_digest


class SignatureChecker:
    """Gives each record the number of what its signature's check found."""

    def __init__(
        self, log: DirectoryLog, ledger_id: bytes, known: Mapping[SignatureCheck, int]
    ) -> None:
        """Number outcomes on from those that are known."""
        self._log = log
        self._ledger_id = ledger_id
        self._numbers = dict(known)
        self._new: dict[SignatureCheck, int] = {}
        self._verified = VerifiedBatches()

    def take_new(self) -> dict[SignatureCheck, int]:
        """Outcomes that were numbered since this was asked last."""
        new, self._new = self._new, {}
        return new

    def check(self, record: RawRecord) -> int:
        """The number of the outcome, or `NOT_CHECKED`."""
        signed = _read_headers(record.headers)
        if not isinstance(signed, SignedBy) or not record.key or not record.value:
            return NOT_CHECKED
        directory, headers = self._log.latest, dict(record.headers)
        schema = _schema(directory, headers.get("ce_type"), record.value)
        keys = _public_keys(directory, headers.get("ce_source"), signed.key_id)
        if schema is None or not keys:
            return NOT_CHECKED
        return self._outcome(record.key, schema, record.value[FRAME_SIZE:], signed, keys)

    def _outcome(
        self, key: bytes, schema: bytes, body: bytes, signed: SignedBy, keys: Sequence[bytes]
    ) -> int:
        signature = signed.signature
        try:
            subject = key.decode()
        except UnicodeDecodeError:
            return NOT_CHECKED
        digest = _digest(self._ledger_id, signature.nonce, schema, subject, body)
        for public_key in keys:
            if self._verified.holds(public_key, signature, digest):
                return self._number((public_key, True))
        return self._number((keys[0], False))

    def _number(self, outcome: SignatureCheck) -> int:
        number = self._numbers.get(outcome)
        if number is None:
            number = len(self._numbers) + 1
            if number > MAX_CHECKS:
                return NOT_CHECKED
            self._numbers[outcome] = self._new[outcome] = number
        return number


def _schema(directory: Directory, ce_type: bytes | None, value: bytes) -> bytes | None:
    """Hash of the schema that a record says it is of: by its frame, in the directory by name.

    Directory records may come before the announcement of their own schema ids.
    """
    known = directory.schema(int.from_bytes(value[1:FRAME_SIZE]))
    if known is not None:
        return known.sha256
    try:
        name = (ce_type or b"").decode("utf-8", "replace").removeprefix(CE_TYPE_PREFIX)
        return catalogue().by_name(name).sha256
    except BadInput:
        return None


def _public_keys(directory: Directory, source: bytes | None, key_id: str) -> Sequence[bytes]:
    """The public keys that may have signed: the agency's of that id, else the ledger's own."""
    if source is None or not source.startswith(_SOURCE_PREFIX):
        return ()
    key = directory.key(source[len(_SOURCE_PREFIX) :].decode("utf-8", "replace"), key_id)
    if key is not None:
        return (key.public_key,)
    return directory.ledger.root_keys if directory.ledger is not None else ()
