"""Ed25519 verification, strictly: one signature has one encoding, and one key one meaning.

Owns the checks that RFC 8032 leaves to implementations: the points A and R must be canonically
encoded (y < p) and not of small order, the scalar S reduced (S < L). Libraries and their
releases differ on these (eprint 2020/1244); a verdict must not. The equation itself, cofactorless,
is computed by libsodium, in half the time that OpenSSL takes. Who may sign is no matter of this
module.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

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
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


def sign(private_key: Ed25519PrivateKey, message: bytes) -> bytes:
    """The 64-byte signature R ‖ S of the message."""
    return crypto_sign(message, _secret(private_key))[:SIGNATURE_SIZE]


@lru_cache(maxsize=256)
def _secret(private_key: Ed25519PrivateKey) -> bytes:
    """The key as libsodium takes it, with the public one: to derive that costs a signature."""
    _, secret = crypto_sign_seed_keypair(private_key.private_bytes_raw())
    return secret


def is_public_key(public_key: bytes) -> bool:
    """Whether these are 32 bytes that encode a y canonically, and no point of small order.

    That the y belongs to a point of the curve shows only when a signature is verified.
    """
    return len(public_key) == PUBLIC_KEY_SIZE and _is_strict_point(public_key)


def _is_strict_point(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") & _WITHOUT_SIGN
    return y < P and y not in SMALL_ORDER_Y
