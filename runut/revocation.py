"""Revoke a key of an agency in the directory: which one, and what has to be there for it.

Owns the choice and its refusals. What an event is worth under a revoked key is a verdict
(events.md §2): where it is judged after the revocation was announced it does not count any more,
and what was judged before stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from runut.directory import Directory
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import BadInput, MissingKey, NotFound
from runut.event import Event
from runut.founding import key_payload, unpublished_key
from runut.keystore import KeyStore
from runut.outgoing import usable_key, usable_keys
from runut.rfc3339 import format_time
from runut.settings import Settings


class Revoked(msgspec.Struct, frozen=True):
    """A key that is revoked now."""

    agency: str
    key_id: str
    revoked_at: datetime
    reason: str
    valid_keys: Sequence[str]
    """The ids of the agency's other keys that are not revoked, oldest first."""


async def revoke_key(
    settings: Settings, agency: str, key_id: str | None, *, reason: str, revoked_at: datetime
) -> Revoked:
    """Revoke a key of an agency, by default its only valid one.

    The ledger's own key announces what is in the directory: where its last one is revoked, a new
    one takes over in the same moment.

    Raises:
        NotFound: the agency is not registered, or has no such key.
        BadInput: the key is revoked already, or it has to be said which one.
        LedgerMismatch: no ledger is founded, or its root key is not here.
        MissingKey: the ledger's own key is not here.
        Unreachable: no broker answers.
    """
    async with DirectoryWriter(settings, KeyStore(settings.keys)) as writer:
        _demand_agency(writer.directory, agency)
        _demand_keys(writer, agency)
        try:
            chosen = _chosen(writer.directory, agency, key_id)
        except BadInput:
            # Who was stopped before the revocation was announced tries again, and gets here.
            await writer.repair_markers()
            raise
        data = {"agency": agency, "key_id": chosen, "revoked_at": revoked_at, "reason": reason}
        event = writer.compose("AgencyKeyRevoked", f"agency/{agency}", data)
        await writer.publish([*_successor(writer, agency, chosen), event])
        return Revoked(agency, chosen, revoked_at, reason, _valid(writer.directory, agency))


def _demand_agency(directory: Directory, agency: str) -> None:
    if directory.agency(agency) is None:
        raise NotFound(f"agency {agency}", "expected a registered one")


def _demand_keys(writer: DirectoryWriter, agency: str) -> None:
    """That the directory can be written and announced: a revocation is not to stop half-way."""
    writer.root_key()
    if agency != SYSTEM and usable_key(writer.keys, writer.directory, SYSTEM) is None:
        raise MissingKey(SYSTEM, writer.keys.path)


def _chosen(directory: Directory, agency: str, key_id: str | None) -> str:
    """The id of the key that is meant; it is valid."""
    if key_id is None:
        return _only(directory, agency)
    if directory.key(agency, key_id) is None:
        published = ", ".join(_published(directory, agency)) or "none"
        raise NotFound(f"key {key_id} of agency {agency}", f"expected one of its keys: {published}")
    revoked_at = directory.revoked_at(agency, key_id)
    if revoked_at is not None:
        found = f"one revoked at {format_time(revoked_at)}"
        raise BadInput(f"key {key_id} of agency {agency}", "a valid one", found)
    return key_id


def _only(directory: Directory, agency: str) -> str:
    valid = _valid(directory, agency)
    if len(valid) == 1:
        return valid[0]
    expected = f"one of its valid ones by its id, {' or '.join(valid)}" if valid else "a valid one"
    raise BadInput(f"key of agency {agency}", expected, "none")


def _published(directory: Directory, agency: str) -> list[str]:
    return [key.key_id for key in directory.published_keys() if key.agency == agency]


def _valid(directory: Directory, agency: str) -> list[str]:
    """The ids of the agency's keys that are not revoked."""
    published = _published(directory, agency)
    return [key_id for key_id in published if not directory.is_revoked(agency, key_id)]


def _successor(writer: DirectoryWriter, agency: str, revoked: str) -> Iterator[Event]:
    """The publication of the ledger's own next key, where no other is left to announce with."""
    usable = usable_keys(writer.keys, writer.directory, SYSTEM)
    if agency == SYSTEM and all(key.key_id == revoked for key in usable):
        key = unpublished_key(writer.keys, writer.directory, SYSTEM)
        payload = key_payload(key, "SELF", writer.written_at)
        yield writer.compose("AgencyKeyPublished", f"agency/{SYSTEM}", payload)
