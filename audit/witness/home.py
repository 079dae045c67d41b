"""The directory of a witness: who it is, whom it watches, and its key.

Owns its files, which nobody else may read:

    witness.toml    name, ledger (its verifier key), log (URL), agency
    key             the private key, for cosignatures alone: PRIVATE+KEY+NAME+HASH+BASE64
    token           the credential for the log, put there by hand
    state.sqlite    what was seen and cosigned (`audit.witness.state`)
    checkpoint      the note that was cosigned last
"""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path
from typing import Final

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.errors import BadFile, BadInput
from runut.event import AGENCY_PATTERN
from runut.notes import Cosigner, Note, SignatureType, VerifierKey, parse_verifier_key
from runut.private_files import demand_private, write_private

ABOUT: Final = "witness.toml"
KEY: Final = "key"
TOKEN: Final = "token"  # noqa: S105
STATE: Final = "state.sqlite"
CHECKPOINT: Final = "checkpoint"

_KEY_FORM: Final = "PRIVATE+KEY+NAME+HASH+BASE64"


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a witness's file says."""

    name: str
    """Under which it cosigns, such as `kp2mi/witness`."""
    ledger: str
    """Verifier key of the log of seals."""
    log: str
    """Where the log is served: URL up to `/log`."""
    agency: str | None = None
    """Code of the agency that runs it, whose own records in the directory raise an alert."""


class Home:
    """A witness's directory, opened."""

    def __init__(self, path: Path, about: About, cosigner: Cosigner, ledger: VerifierKey) -> None:
        self.path = path
        self.about = about
        self.cosigner = cosigner
        self.ledger = ledger

    @property
    def state(self) -> Path:
        """Where its state is kept."""
        return self.path / STATE

    @property
    def checkpoint(self) -> Path:
        """Where the note that was cosigned last is."""
        return self.path / CHECKPOINT

    def token(self) -> str | None:
        """The credential for the log; None where the log asks for none.

        Raises:
            BadFile: others can read it.
        """
        file = self.path / TOKEN
        if not file.exists():
            return None
        return _read_private(file).strip()

    def keep(self, note: Note) -> None:
        """Write the note that was cosigned last, all or nothing."""
        write_private(self.checkpoint, note.to_bytes())


def make_home(path: Path, about: About) -> Home:
    """Make a witness, with a key of its own.

    Raises:
        BadInput: a field cannot be what it is, naming it.
        BadFile: there is a witness already, or the directory cannot be written.
    """
    _demand_possible(about)
    private_key = Ed25519PrivateKey.generate()
    cosigner = Cosigner(about.name, private_key)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (path / ABOUT).exists():
            raise BadFile(str(path), "no witness yet", f"that of {open_home(path).about.name}")
        write_private(path / KEY, _key_text(cosigner.key, private_key).encode())
        # What makes it a witness is written last.
        write_private(path / ABOUT, _about_text(about).encode())
    except OSError as error:
        raise BadFile(str(path), "a directory that can be written", error.strerror) from None
    return open_home(path)


def open_home(path: Path) -> Home:
    """The witness in a directory.

    Raises:
        BadFile: there is none, or a file of it is wrong or open to others.
    """
    file = path / ABOUT
    if not file.exists():
        raise BadFile(str(path), "a witness's directory (runut witness new)", "none")
    try:
        about = msgspec.convert(tomllib.loads(_read_private(file)), About)
        ledger = _demand_possible(about)
    except (ValueError, msgspec.ValidationError) as error:
        raise BadFile(str(file), "name, ledger, log, agency", error) from None
    except BadInput as error:
        raise BadFile(f"{error.thing} in {file}", error.expected, error.found) from None
    return Home(path, about, Cosigner(about.name, _private_key(path / KEY, about)), ledger)


def _demand_possible(about: About) -> VerifierKey:
    ledger = parse_verifier_key(about.ledger)
    if ledger.type is not SignatureType.NOTE:
        raise BadInput("ledger", "the key that signs the log's checkpoints", about.ledger)
    if not about.log.startswith(("https://", "http://")):
        raise BadInput("log", "a URL that begins https:// or http://", about.log)
    if about.agency is not None and not AGENCY_PATTERN.fullmatch(about.agency):
        raise BadInput("agency", f"a code that matches {AGENCY_PATTERN.pattern}", about.agency)
    return ledger


def _private_key(file: Path, about: About) -> Ed25519PrivateKey:
    try:
        text = _read_private(file).strip()
        *_, encoded = text.split("+", 4)  # base64 may hold a plus, a name may not
        typed = base64.b64decode(encoded, validate=True)
        private_key = Ed25519PrivateKey.from_private_bytes(typed[1:])
    except ValueError:
        raise BadFile(str(file), _KEY_FORM, "something else") from None
    if text != _key_text(Cosigner(about.name, private_key).key, private_key):
        raise BadFile(str(file), f"the key of {about.name}, {_KEY_FORM}", "another's")
    return private_key


def _key_text(key: VerifierKey, private_key: Ed25519PrivateKey) -> str:
    """As the Go implementations write it."""
    typed = bytes((key.type,)) + private_key.private_bytes_raw()
    encoded = base64.b64encode(typed).decode()
    return f"PRIVATE+KEY+{key.name}+{key.key_hash.hex()}+{encoded}"


def _about_text(about: About) -> str:
    # A JSON string is a TOML string.
    lines = [
        f"{name} = {orjson.dumps(value).decode()}\n"
        for name, value in msgspec.structs.asdict(about).items()
        if value is not None
    ]
    return "".join(lines)


def _read_private(file: Path) -> str:
    try:
        demand_private(file)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(str(file), "a readable file", error.strerror) from None
