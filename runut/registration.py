"""Change a founded ledger's directory: agencies and mandates from a file, keys.

Owns what has to be written so that the directory says what is wanted; what it says already is
not written again. Files are `runut.directory_file`'s, writing `runut.directory_writer`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from runut.directory import Directory
from runut.directory_file import DirectoryFile, read_directory_file
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import BadFile, FieldError, NotFound
from runut.event import Event
from runut.founding import at_once, key_payload, unpublished_key
from runut.keystore import KeyStore, SigningKey
from runut.outgoing import usable_key
from runut.settings import Settings

# Who holds the ledger's root key holds these keys too: it signs for the agencies.
LOCAL_CUSTODY: Final = "GATEWAY"


async def apply_directory(settings: Settings, path: Path) -> list[str]:
    """Register what a directory file says and the directory does not; gives what was written.

    Such as `agency/kp2mi`; a file that was applied before changes nothing.

    Raises:
        BadFile: the file is no directory file, or contradicts a published key.
        LedgerMismatch: no ledger is founded, or its root key is not here.
        Unreachable: no broker answers.
    """
    return await register(settings, read_directory_file(path), path)


async def register(settings: Settings, file: DirectoryFile, path: Path) -> list[str]:
    """Register what a directory file says that was read already; otherwise as `apply_directory`.

    `path` is named in errors.
    """
    async with DirectoryWriter(settings, KeyStore(settings.keys)) as writer:
        _check(file, writer.directory, path)
        events = [_record(writer, path, *change) for change in _changes(file, writer)]
        await writer.publish(events)
        return [event.subject for event in events]


async def publish_keys(
    settings: Settings, agencies: Sequence[str] | None = None
) -> list[SigningKey]:
    """Make and publish a key for each agency that has no usable one here; gives the new ones.

    `agencies` None means all that are registered. A key that is here and was never published,
    as after an interrupted run, is published instead of a new one.

    Raises:
        NotFound: an agency is not registered.
        LedgerMismatch: no ledger is founded, or its root key is not here.
        Unreachable: no broker answers.
    """
    keys = KeyStore(settings.keys)
    async with DirectoryWriter(settings, keys) as writer:
        directory = writer.directory
        chosen = agencies or [agency.code for agency in directory.agencies()]
        for code in chosen:
            if directory.agency(code) is None:
                raise NotFound(f"agency {code}", "expected it to be registered; apply it first")
        made = [
            unpublished_key(keys, directory, code)
            for code in dict.fromkeys(chosen)
            if usable_key(keys, directory, code) is None
        ]
        await writer.publish([_publication(writer, key) for key in made])
        return made


def _changes(
    file: DirectoryFile, writer: DirectoryWriter
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, agency and payload of what the directory does not say yet; agencies first."""
    directory = writer.directory
    for agency in file.agencies:
        if directory.agency(agency.code) != agency:
            payload = {**structs.asdict(agency), "roles": sorted(agency.roles)}
            yield "AgencyRegistered", agency.code, payload
    for mandate in file.mandates:
        if mandate not in directory.mandates(mandate.agency):
            yield "MandateGranted", mandate.agency, structs.asdict(mandate)
    for key in file.keys:
        if directory.key(key.agency, key.key_id) is None:
            payload = structs.asdict(key)
            payload["valid_from"] = key.valid_from or at_once(writer.written_at)
            yield "AgencyKeyPublished", key.agency, payload


def _record(
    writer: DirectoryWriter, path: Path, event_type: str, agency: str, payload: dict[str, Any]
) -> Event:
    try:
        return writer.compose(event_type, f"agency/{agency}", payload)
    except FieldError as error:
        name = error.thing.removeprefix("data.")
        raise BadFile(f"{name} of {agency} in {path}", error.expected, error.found) from None


def _check(file: DirectoryFile, directory: Directory, path: Path) -> None:
    """Pass a file that names only known agencies, and contradicts no published key."""
    known = {agency.code for agency in (*directory.agencies(), *file.agencies)}
    named = [
        *((f"escalates_to of {agency.code}", agency.escalates_to) for agency in file.agencies),
        *((f"mandate {mandate.function}", mandate.agency) for mandate in file.mandates),
        *((f"key {key.key_id}", key.agency) for key in file.keys),
    ]
    for thing, code in named:
        if code is not None and code not in known:
            raise BadFile(f"{thing} in {path}", "a registered agency or one of the file", code)
    for agency in file.agencies:
        # Markers by an agency of another kind would announce nothing any more.
        if agency.code == SYSTEM and agency.kind != "SYSTEM":
            raise BadFile(f"kind of {SYSTEM} in {path}", "SYSTEM", agency.kind)
    for key in file.keys:
        published = directory.key(key.agency, key.key_id)
        if published is not None and published.public_key != key.public_key:
            raise BadFile(f"key {key.key_id} in {path}", "the key published by that id", "another")


def _publication(writer: DirectoryWriter, key: SigningKey) -> Event:
    payload = key_payload(key, LOCAL_CUSTODY, writer.written_at)
    return writer.compose("AgencyKeyPublished", f"agency/{key.agency}", payload)
