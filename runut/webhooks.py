"""Sign webhooks as Standard Webhooks 1.0 has it, with Ed25519 (`v1a`).

Pure. The message that is signed is `ID.TIMESTAMP.BODY`. It begins with a UUID, which nothing else
that these keys sign does: no signature of a webhook can pass for one of an event, nor the other way
round (integrity.md §1).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime

from runut import ed25519
from runut.keystore import SigningKey


def signature_headers(
    keys: Iterable[SigningKey], message_id: str, sent_at: datetime, body: bytes
) -> dict[str, str]:
    """The three headers: `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature`.

    One signature for each key, so that a receiver may know the old one or the new.
    """
    timestamp = str(int(sent_at.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [b64encode(ed25519.sign(key.private_key, signed)).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1a,{signature}" for signature in signatures),
    }


def public_key_text(public_key: bytes) -> str:
    """What receivers are given: `whpk_` and the 32 bytes in base64."""
    return f"whpk_{b64encode(public_key).decode()}"
