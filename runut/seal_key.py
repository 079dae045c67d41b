"""The key that signs a ledger's seals: from the local key store, under the name of their log.

Who trusts the ledger writes this key, as C2SP's verifier key, into a policy; it is not in the
directory, because a log cannot vouch for itself.
"""

from __future__ import annotations

from runut.errors import MissingKey
from runut.keystore import SEALS, KeyStore
from runut.notes import NoteSigner
from runut.seals import origin_of


def seal_signer(keys: KeyStore, ledger: str) -> NoteSigner:
    """What signs the checkpoints of a ledger's log of seals.

    Raises:
        MissingKey: its key is not here.
    """
    key = keys.seal_key()
    if key is None:
        raise MissingKey(SEALS, keys.path, "runut ledger create")
    return NoteSigner(origin_of(ledger), key.private_key)
