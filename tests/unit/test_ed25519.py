"""Strict Ed25519: the speccheck vectors, the RFC's own, and the points that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.ed25519 import SMALL_ORDER_Y, L, P, is_public_key, sign, verify

SPECCHECK = json.loads(
    (Path(__file__).parents[1] / "golden" / "ed25519_speccheck.json").read_text()
)["vectors"]

# RFC 8032 §7.1: TEST 1 and TEST 2 (public key, message, signature).
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]

RFC_8032_SECRETS = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
]

D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def x_of(y: int) -> int | None:
    """An x for that y on the curve -x² + y² = 1 + d x² y² (RFC 8032 §5.1.3)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x * x % P == square else None


def double(point: Point) -> Point:
    x, y = point
    product = D * x * x * y * y
    return (
        2 * x * y * pow(1 + product, -1, P) % P,
        (y * y + x * x) * pow(1 - product, -1, P) % P,
    )


@pytest.mark.parametrize(
    ("secret", "vector"), [*zip(RFC_8032_SECRETS, RFC_8032, strict=True)], ids=["TEST 1", "TEST 2"]
)
def test_signatures_are_those_of_the_rfc(secret: str, vector: tuple[str, str, str]) -> None:
    _, message, signature = vector
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert sign(key, bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize("vector", SPECCHECK, ids=lambda vector: vector["what"])
def test_speccheck_vectors_are_accepted_or_not_as_written(vector: dict[str, Any]) -> None:
    key, signature, message = (
        bytes.fromhex(vector[name]) for name in ("pub_key", "signature", "message")
    )
    assert verify(key, signature, message) == vector["accepted"]


def test_of_the_speccheck_vectors_only_the_fourth_is_accepted() -> None:
    assert [vector["accepted"] for vector in SPECCHECK] == [number == 3 for number in range(12)]


@pytest.mark.parametrize("vector", RFC_8032)
def test_the_vectors_of_the_rfc_verify(vector: tuple[str, str, str]) -> None:
    key, message, signature = map(bytes.fromhex, vector)
    assert verify(key, signature, message)
    assert not verify(key, signature, message + b"\0")


def test_a_scalar_that_is_not_reduced_is_refused() -> None:
    key, message, signature = map(bytes.fromhex, RFC_8032[1])
    s = int.from_bytes(signature[32:], "little")
    assert not verify(key, signature[:32] + (s + L).to_bytes(32, "little"), message)


@pytest.mark.parametrize("y", sorted(SMALL_ORDER_Y))
def test_the_refused_points_are_of_small_order_under_either_sign(y: int) -> None:
    x = x_of(y)
    assert x is not None
    assert double(double(double((x, y)))) == (0, 1)
    for sign_of_x in (0, 1 << 255):
        assert not is_public_key((y | sign_of_x).to_bytes(32, "little"))


def test_all_eight_points_of_small_order_are_refused() -> None:
    points = {
        (x % P, y) for y in SMALL_ORDER_Y for x in (x_of(y), -(x_of(y) or 0)) if x is not None
    }
    assert len(points) == 8


@pytest.mark.parametrize("y", [P, P + 1, P + 5, 2**255 - 1])
def test_a_coordinate_beyond_the_field_is_refused(y: int) -> None:
    assert not is_public_key(y.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_keys_and_signatures_of_another_length_are_refused(length: int) -> None:
    key, message, signature = map(bytes.fromhex, RFC_8032[0])
    assert not is_public_key((key * 2)[:length])
    assert not verify((key * 2)[:length], signature, message)
    assert not verify(key, (signature * 2)[: 2 * length], message)


def test_a_key_that_is_on_no_curve_verifies_nothing() -> None:
    off_curve = next(y for y in range(2, 100) if x_of(y) is None).to_bytes(32, "little")
    _, message, signature = map(bytes.fromhex, RFC_8032[0])
    assert is_public_key(off_curve)
    assert not verify(off_curve, signature, message)
