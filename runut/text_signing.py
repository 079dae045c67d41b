"""Signatures that can travel as text, for clients that hand headers over as C strings.

Pure but for nonces. `kcat -H NAME=VALUE` and other programs take a header's value from an argument
of theirs: it ends at the first zero byte, and a shell drops the newlines at its end. The size and
index of a lone event hold zeros. So the event is signed as the last of 258, whose place in the
batch's tree is only two hashes from the root, and again with fresh nonces until nothing of the
header is lost: twice on average. The form is that of every signature (integrity.md §1), and
readers need not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from runut.signing import SIGNATURE_HEADER, Signable, SignedEvent, Signer

_SIZE: Final = 258
"""u16 0x0102, and the last index 0x0101."""


class TextSigner(Signer):
    """Signs each event in a batch of its own, by a header without zero bytes."""

    def sign(self, ledger_id: bytes, items: Sequence[Signable]) -> Sequence[SignedEvent]:
        """Headers and digest of each item, in order. Raises as `Signer.sign`."""
        return [self._sign_one(ledger_id, item) for item in items]

    def _sign_one(self, ledger_id: bytes, item: Signable) -> SignedEvent:
        # To have signed these is to have signed nothing: they are about no subject, and empty.
        others = [replace(item, subject="", body=b"")] * (_SIZE - 1)
        while True:
            signed = super().sign(ledger_id, [*others, item])[-1]
            if _is_text(dict(signed.headers)[SIGNATURE_HEADER]):
                return signed


def _is_text(value: bytes) -> bool:
    return b"\0" not in value and not value.endswith(b"\n")
