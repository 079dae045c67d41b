"""Keys around the seals: the one that signs them, and those of witnesses who cosign.

Who trusts the ledger writes its key, as C2SP's verifier key, into a policy; it is not in the
directory, because a log cannot vouch for itself.
"""

from __future__ import annotations

from runut.errors import BadInput, MissingKey, SettingError
from runut.keystore import SEALS, KeyStore
from runut.notes import NoteSigner, SignatureType, VerifierKey, parse_verifier_key
from runut.seals import origin_of
from runut.settings import Settings


def seal_signer(keys: KeyStore, ledger: str) -> NoteSigner:
    """What signs the checkpoints of a ledger's log of seals.

    Raises:
        MissingKey: its key is not here.
    """
    key = keys.seal_key()
    if key is None:
        raise MissingKey(SEALS, keys.path, "runut ledger create")
    return NoteSigner(origin_of(ledger), key.private_key)


def witness_keys(settings: Settings) -> tuple[VerifierKey, ...]:
    """The keys of the witnesses whose cosignatures are taken.

    Raises:
        SettingError: RUNUT_WITNESSES holds something else.
    """
    return tuple(_witness_key(text) for text in (settings.witnesses or "").split())


def _witness_key(text: str) -> VerifierKey:
    try:
        key = parse_verifier_key(text)
    except BadInput as error:
        raise SettingError(f"RUNUT_WITNESSES: {error}") from None
    if key.type is not SignatureType.COSIGNATURE:
        raise SettingError(f"RUNUT_WITNESSES: expected keys for cosignatures, found {text}")
    return key
