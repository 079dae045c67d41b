"""Write the golden vectors of batch signatures: tests/golden/signing/*.json.

Run after a deliberate change of the format only: what these files say was signed once, and a
signature in a ledger's log never changes. Keys and nonces are fixed, so the same code writes
the same bytes. Every binary value is hex; a header without value is null.

Each file is one record as a verifier meets it, and what it must find: VALID, INVALID (well
formed, and not this event's signature), MALFORMED, or MISSING.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.ed25519 import L, P
from runut.signing import (
    KEY_ID_HEADER,
    SIGNATURE_HEADER,
    Signature,
    event_digest,
    parse_signature,
    sign_batch,
)

PLACE: Final = Path(__file__).resolve().parents[1] / "tests" / "golden" / "signing"

KEY: Final = Ed25519PrivateKey.from_private_bytes(sha256(b"golden key").digest())
OTHER_KEY: Final = Ed25519PrivateKey.from_private_bytes(sha256(b"another golden key").digest())
KEY_ID: Final = "kp2mi-golden"
LEDGER_ID: Final = sha256(b"golden ledger").digest()[:16]
SCHEMA: Final = sha256(b"golden schema").digest()
SUBJECT: Final = "case/KP2MI-2025-0001"
IDENTITY_POINT: Final = (1).to_bytes(32, "little")

Vector = dict[str, Any]


def body(index: int) -> bytes:
    """The Avro body of the batch's event at an index: any bytes will do."""
    return f"golden body {index}".encode()


def batch(size: int, private_key: Ed25519PrivateKey = KEY) -> list[Signature]:
    """Signatures of a batch of golden events."""
    nonces = [sha256(f"golden nonce {index}".encode()).digest()[:16] for index in range(size)]
    digests = [
        event_digest(LEDGER_ID, nonce, SCHEMA, SUBJECT, body(index))
        for index, nonce in enumerate(nonces)
    ]
    return [parse_signature(value) for value in sign_batch(private_key, b"".join(nonces), digests)]


def signature_headers(signature: Signature) -> list[tuple[str, bytes]]:
    """The two headers of a signed event."""
    return [(KEY_ID_HEADER, KEY_ID.encode()), (SIGNATURE_HEADER, signature.to_bytes())]


def vector(why: str, expect: str, signature: Signature, **changed: Any) -> Vector:
    """A record with that signature, some of its parts changed."""
    return {
        "why": why,
        "expect": expect,
        "public_key": KEY.public_key().public_bytes_raw(),
        "ledger_id": LEDGER_ID,
        "schema_sha256": SCHEMA,
        "subject": SUBJECT,
        "body": body(signature.index),
        "headers": signature_headers(signature),
    } | changed


def vectors() -> dict[str, Vector]:
    """All golden vectors by name."""
    return good() | wrong_event() | wrong_signature() | wrong_bytes() | wrong_headers()


def good() -> dict[str, Vector]:
    """Valid ones: every shape of path."""
    places = [(0, 1), (0, 2), (0, 3), (2, 3), (4, 7), (6, 7), (0, 1024), (1023, 1024), (1022, 1023)]
    found = {
        f"good-{index}-of-{size}": vector("valid", "VALID", batch(size)[index])
        for index, size in places
    }
    among_others = [("ce_id", b"7"), *signature_headers(batch(1)[0]), ("traceparent", None)]
    found["good-among-other-headers"] = vector(
        "other headers stand around it", "VALID", batch(1)[0], headers=among_others
    )
    return found


def wrong_event() -> dict[str, Vector]:
    """A valid signature beside something that it does not cover."""
    signature = batch(3)[1]
    changes: dict[str, Any] = {
        "body": body(0),
        "subject": "case/KP2MI-2025-0002",
        "ledger_id": sha256(b"another ledger").digest()[:16],
        "schema_sha256": sha256(b"another schema").digest(),
        "public_key": OTHER_KEY.public_key().public_bytes_raw(),
    }
    return {
        f"bad-other-{name.replace('_', '-')}": vector(
            f"{name} is another than the one signed", "INVALID", signature, **{name: value}
        )
        for name, value in changes.items()
    }


def wrong_signature() -> dict[str, Vector]:
    """Well formed, and yet not the signature of this event."""
    one, three = batch(1)[0], batch(3)
    s = int.from_bytes(one.signed_root[32:], "little")
    not_reduced = one.signed_root[:32] + (s + L).to_bytes(32, "little")
    # With the identity as key, R the identity and S = 0 solve the equation for any message.
    forged = IDENTITY_POINT + bytes(32)
    not_canonical = (P + 1).to_bytes(32, "little") + bytes(32)
    return {
        "bad-nonce": altered("the nonce is another", three[1], nonce=bytes(16)),
        "bad-index": altered("the index is another's", three[1], index=0, body_of=1),
        "bad-size": altered("the size is not the one signed", three[1], size=4),
        "bad-path": altered("the path is another's", three[1], path=three[0].path),
        "bad-batch": altered("signed for another batch", three[1], signed_root=one.signed_root),
        "bad-s-not-reduced": altered("S + L, which some accept", one, signed_root=not_reduced),
        "bad-r-small-order": altered("R is the identity", one, signed_root=forged),
        "bad-key-small-order": vector(
            "the key is the identity, under which anybody can sign anything",
            "INVALID",
            changed(one, signed_root=forged),
            public_key=IDENTITY_POINT,
        ),
        "bad-key-not-canonical": vector(
            "the key is the identity with y + p",
            "INVALID",
            changed(one, signed_root=not_canonical),
            public_key=(P + 1).to_bytes(32, "little"),
        ),
    }


def altered(why: str, signature: Signature, body_of: int | None = None, **parts: Any) -> Vector:
    """An INVALID record whose signature has some parts changed."""
    event = signature.index if body_of is None else body_of
    return vector(why, "INVALID", changed(signature, **parts), body=body(event))


def changed(signature: Signature, **parts: Any) -> Signature:
    """The signature with some parts changed."""
    names = Signature.__struct_fields__
    return Signature(**{name: parts.get(name, getattr(signature, name)) for name in names})


def wrong_bytes() -> dict[str, Vector]:
    """Values of runut-signature that the format excludes."""
    signature = batch(3)[1]
    value = signature.to_bytes()
    values = {
        "empty": b"",
        "head-only": value[:21],
        "truncated": value[:-1],
        "trailing-byte": value + b"\0",
        "path-short": value[:21] + value[53:],
        "path-long": value[:53] + value[21:],
        "version-0": b"\0" + value[1:],
        "version-2": b"\2" + value[1:],
        "size-0": value[:1] + bytes(4) + value[5:21] + value[-64:],
        "size-1025": value[:1] + (1025).to_bytes(2) + value[3:21] + bytes(32 * 11) + value[-64:],
        "index-is-size": value[:3] + (3).to_bytes(2) + value[5:],
    }
    key_id = (KEY_ID_HEADER, KEY_ID.encode())
    return {
        f"malformed-{name}": vector(
            f"runut-signature: {name.replace('-', ' ')}",
            "MALFORMED",
            signature,
            headers=[key_id, (SIGNATURE_HEADER, found)],
        )
        for name, found in values.items()
    }


def wrong_headers() -> dict[str, Vector]:
    """Headers that are not exactly one of each."""
    signature = batch(3)[1]
    key_id, value = signature_headers(signature)
    headers: dict[str, tuple[str, list[tuple[str, bytes | None]]]] = {
        "missing-both": ("MISSING", []),
        "missing-signature": ("MISSING", [key_id]),
        "missing-other-case": ("MISSING", [key_id, ("Runut-Signature", value[1])]),
        "malformed-no-key-id": ("MALFORMED", [value]),
        "malformed-signature-twice": ("MALFORMED", [key_id, value, value]),
        "malformed-key-id-twice": ("MALFORMED", [key_id, key_id, value]),
        "malformed-key-id-not-utf-8": ("MALFORMED", [(KEY_ID_HEADER, b"\xff"), value]),
        "malformed-key-id-null": ("MALFORMED", [(KEY_ID_HEADER, None), value]),
        "malformed-signature-null": ("MALFORMED", [key_id, (SIGNATURE_HEADER, None)]),
    }
    return {
        name: vector(name.replace("-", " "), expect, signature, headers=found)
        for name, (expect, found) in headers.items()
    }


def as_json(found: Vector) -> str:
    """A vector as the text of its file."""
    return json.dumps(found, indent=1, default=bytes.hex) + "\n"


def main() -> None:
    """Write every vector, and remove the files of those that are no more."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for old in PLACE.glob("*.json"):
        old.unlink()
    for name, found in vectors().items():
        (PLACE / f"{name}.json").write_text(as_json(found))


if __name__ == "__main__":
    main()
