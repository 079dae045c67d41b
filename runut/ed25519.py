"""Ed25519 verification, strictly: one signature has one encoding, and one key one meaning.

Owns the checks that RFC 8032 leaves to implementations: the points A and R must be canonically
encoded (y < p) and not of small order, the scalar S reduced (S < L). Libraries and their
releases differ on these (eprint 2020/1244); a verdict must not. The equation itself, cofactorless,
is computed by `cryptography`. Who may sign is no matter of this module.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PUBLIC_KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493

# The y coordinates of the eight points whose order divides 8: two points share each y but
# those of order 1 and 2, whose x is 0.
_ORDER_8_Y: Final = int("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16)
SMALL_ORDER_Y: Final = frozenset({0, 1, P - 1, _ORDER_8_Y, P - _ORDER_8_Y})

_WITHOUT_SIGN: Final = 2**255 - 1


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the 64-byte signature R ‖ S of the message verifies under the 32-byte key A."""
    if not is_public_key(public_key) or len(signature) != SIGNATURE_SIZE:
        return False
    if not _is_strict_point(signature[:32]) or int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def is_public_key(public_key: bytes) -> bool:
    """Whether these are 32 bytes that encode a y canonically, and no point of small order.

    That the y belongs to a point of the curve shows only when a signature is verified.
    """
    return len(public_key) == PUBLIC_KEY_SIZE and _is_strict_point(public_key)


def _is_strict_point(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") & _WITHOUT_SIGN
    return y < P and y not in SMALL_ORDER_Y
