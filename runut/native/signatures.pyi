from collections.abc import Sequence

from runut.signing import Malformed, SignedBy

def read_headers(
    headers: Sequence[tuple[str, bytes | None]],
) -> SignedBy | Malformed | None: ...
def event_digest(
    ledger_id: bytes, nonce: bytes, schema_sha256: bytes, subject: str, body: bytes
) -> bytes: ...
