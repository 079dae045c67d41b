"""Trust policies: whose signatures count, as whoever verifies says it (integrity.md §8).

Owns the file. It is TOML:

    ledger = "nusantara/seals+1f2e3d4c+AY…"     # verifier key of the log of seals
    root_keys = ["07a3…"]                        # 64 hex digits each
    witnesses = ["kp2mi/witness+…", "ngo/witness+…", "ombudsman/witness+…"]
    quorum = 2                                   # how many witnesses must have cosigned

Nothing else has a say in whom to trust: a bundle brings no policy, and without one what is
verified is UNANCHORED.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from runut import ed25519
from runut.errors import BadFile, BadInput
from runut.notes import SignatureType, VerifierKey, parse_verifier_key
from runut.seals import origin_of

_ORIGIN_END: Final = origin_of("")


class Policy(msgspec.Struct, frozen=True):
    """Whom to trust."""

    ledger: VerifierKey
    """Signs the checkpoints of the log of seals; its name is the log's origin."""
    root_keys: frozenset[bytes]
    """May found the ledger and say which agencies and keys there are; 32 bytes each."""
    witnesses: tuple[VerifierKey, ...]
    quorum: int
    """How many witnesses must have cosigned: 0 to all."""

    @property
    def digest(self) -> str:
        """The same for policies that trust the same, in hex."""
        roots = sorted(key.hex() for key in self.root_keys)
        witnesses = sorted(map(str, self.witnesses))
        said = [str(self.ledger), *roots, *witnesses, str(self.quorum)]
        return sha256("\n".join(said).encode()).hexdigest()


class _PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ledger: str
    root_keys: tuple[str, ...]
    quorum: int
    witnesses: tuple[str, ...] = ()


def read_policy(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        BadFile: it cannot be read, or naming what in it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(str(path), "a readable file", error.strerror) from None
    except ValueError:
        raise BadFile(str(path), "UTF-8", "other bytes") from None
    try:
        return parse_policy(text)
    except BadInput as error:
        raise BadFile(f"{error.thing} in {path}", error.expected, error.found) from None


def parse_policy(text: str) -> Policy:
    """The policy that a text is.

    Raises:
        BadInput: naming what in it is wrong.
    """
    try:
        given = msgspec.convert(tomllib.loads(text), _PolicyFile)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("policy", "TOML", error) from None
    except msgspec.ValidationError as error:
        raise BadInput("policy", "ledger, root_keys, witnesses, quorum", error) from None
    witnesses = tuple(_key("witness", one, SignatureType.COSIGNATURE) for one in given.witnesses)
    _demand_different(witnesses)
    if not 0 <= given.quorum <= len(witnesses):
        raise BadInput("quorum", f"0 to {len(witnesses)}, the witnesses there are", given.quorum)
    ledger = _key("ledger", given.ledger, SignatureType.NOTE)
    if not ledger.name.endswith(_ORIGIN_END):
        raise BadInput("ledger", f"the key of a log of seals, named NAME{_ORIGIN_END}", ledger.name)
    return Policy(ledger, _root_keys(given.root_keys), witnesses, given.quorum)


def _key(thing: str, text: str, kind: SignatureType) -> VerifierKey:
    try:
        key = parse_verifier_key(text)
    except BadInput as error:
        raise BadInput(f"{thing} {text!r}", error.expected, error.found) from None
    if key.type is not kind:
        raise BadInput(f"{thing} {key.name}", f"a key of type {kind:#04x}", f"{key.type:#04x}")
    return key


def _demand_different(witnesses: Sequence[VerifierKey]) -> None:
    """One witness under two names, or with two keys, would count twice."""
    for what in ("name", "public_key"):
        seen: set[str | bytes] = set()
        for witness in witnesses:
            value = getattr(witness, what)
            if value in seen:
                raise BadInput(f"witness {witness.name}", f"a {what} of its own", "another's")
            seen.add(value)


def _root_keys(texts: Sequence[str]) -> frozenset[bytes]:
    if not texts:
        raise BadInput("root_keys", "at least one", "none")
    return frozenset(_root_key(text) for text in texts)


def _root_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if not ed25519.is_public_key(key) or key.hex() != text:
        raise BadInput("root key", "an Ed25519 key, 64 hex digits in lower case", text)
    return key
