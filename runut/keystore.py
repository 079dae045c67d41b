"""The local key store: the private keys of this machine's agencies, and of the ledger.

Owns a directory (0700) with one JSON file (0600) a key, and refuses to use what others can
read. Which keys the ledger knows is in its directory (`runut.directory`), not here: a key made
here counts once AgencyKeyPublished names it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.errors import BadFile, BadInput, MissingKey
from runut.event import AGENCY_PATTERN
from runut.private_files import demand_private, write_private
from runut.signing import Signer

# The owners of the ledger's own keys. Codes of agencies are lower case: none is called this.
ROOT: Final = "ROOT"
SEALS: Final = "SEALS"
_AGENCY_LENGTH: Final = 63  # with a hyphen and 16 hex digits: an id of at most 80 characters


@dataclass(frozen=True)
class SigningKey:
    """One Ed25519 key pair of an agency, or of the ledger itself (`ROOT`, `SEALS`)."""

    key_id: str
    agency: str
    created_at: datetime
    public_key: bytes
    """The 32 bytes that AgencyKeyPublished or LedgerCreated publish."""
    private_key: Ed25519PrivateKey = field(repr=False, compare=False)

    def signer(self) -> Signer:
        """What signs events with this key."""
        return Signer(self.key_id, self.private_key)


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as its JSON file holds it; bytes are base64."""

    key_id: str
    agency: str
    created_at: datetime
    private_key: bytes


class KeyStore:
    """The keys in one directory. Each call reads the files anew: others may add keys."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def new(self, agency: str) -> SigningKey:
        """Make and keep a key for an agency; from now on it is the one that `get` gives.

        Raises:
            BadInput: no agency can have that code.
            BadFile: others have access to the store, or a file in it is broken.
        """
        if not AGENCY_PATTERN.fullmatch(agency):
            raise BadInput("agency code", f"to match {AGENCY_PATTERN.pattern}", agency)
        return self._make(agency)

    def new_root(self) -> SigningKey:
        """Make and keep a root key, with which a ledger is founded.

        Raises:
            BadFile: as for `new`.
        """
        return self._make(ROOT)

    def new_seal_key(self) -> SigningKey:
        """Make and keep the key that signs the ledger's seals, and nothing else.

        Raises:
            BadFile: as for `new`.
        """
        return self._make(SEALS)

    def get(self, agency: str) -> SigningKey:
        """The agency's newest key.

        Raises:
            MissingKey: there is none here.
            BadFile: as for `new`.
        """
        found = self.keys(agency)
        if not found:
            raise MissingKey(agency, self.path)
        return found[-1]

    def keys(self, agency: str) -> list[SigningKey]:
        """All keys of the agency, oldest first."""
        return [key for key in self._load() if key.agency == agency]

    def root_key(self) -> SigningKey | None:
        """The newest root key; None before a ledger was founded from here."""
        return next(reversed(self.keys(ROOT)), None)

    def seal_key(self) -> SigningKey | None:
        """The key that signs the ledger's seals; None where others do."""
        return next(reversed(self.keys(SEALS)), None)

    def agencies(self) -> list[str]:
        """Codes of the agencies that have a key here, sorted."""
        return sorted({key.agency for key in self._load()} - {ROOT, SEALS})

    def public_keys(self) -> frozenset[bytes]:
        """The public halves of all keys here."""
        return frozenset(key.public_key for key in self._load())

    def _make(self, agency: str) -> SigningKey:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        private_key = Ed25519PrivateKey.generate()
        key = _signing_key(agency, self._next_instant(agency), private_key)
        stored = _KeyFile(key.key_id, agency, key.created_at, private_key.private_bytes_raw())
        write_private(self.path / f"{key.key_id}.json", msgspec.json.encode(stored))
        return key

    def _next_instant(self, agency: str) -> datetime:
        """Now, or just after the agency's newest key where the clock went backwards."""
        just_after = [key.created_at + timedelta(microseconds=1) for key in self.keys(agency)]
        return max([datetime.now(UTC), *just_after])

    def _load(self) -> list[SigningKey]:
        if not self.path.is_dir():
            return []
        try:
            demand_private(self.path)
            files = list(self.path.glob("*.json"))
        except OSError as error:
            raise BadFile(f"key store {self.path}", "a directory to read", error) from None
        found = [_read(file) for file in files]
        return sorted(found, key=lambda key: (key.created_at, key.key_id))


def _signing_key(agency: str, created_at: datetime, private_key: Ed25519PrivateKey) -> SigningKey:
    public_key = private_key.public_key().public_bytes_raw()
    key_id = f"{agency[:_AGENCY_LENGTH]}-{sha256(public_key).hexdigest()[:16]}"
    return SigningKey(key_id, agency, created_at, public_key, private_key)


def _read(file: Path) -> SigningKey:
    try:
        demand_private(file)
        stored = msgspec.json.decode(file.read_bytes(), type=_KeyFile)
        private_key = Ed25519PrivateKey.from_private_bytes(stored.private_key)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise BadFile(f"key file {file}", "a key written by `runut keys new`", error) from None
    if stored.created_at.tzinfo is None:
        raise BadFile(f"created_at in {file}", "a time with its zone", stored.created_at)
    key = _signing_key(stored.agency, stored.created_at, private_key)
    if key.key_id != stored.key_id:
        raise BadFile(f"key_id in {file}", f"{key.key_id}, as its key says", stored.key_id)
    return key
