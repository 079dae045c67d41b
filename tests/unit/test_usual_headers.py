"""Headers that are taken at a glance, and those that are looked at one by one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runut.admission import cloud_event_headers
from runut.json_form import from_json
from runut.outgoing import Envelope
from runut.signing import Signer
from runut.usual_headers import signature_beside

EVENT = from_json(
    {
        "type": "LetterReceived",
        "subject": "case/KP2MI-2025-0311",
        "agency": "kp2mi",
        "occurred_at": "2025-06-11T14:00:00.5+07:00",
        "data": {"letter_id": "L1"},
    }
)
KEY = b"case/KP2MI-2025-0311"
ENVELOPE = Envelope(bytes(16), {EVENT.type: 1})
SIGNER = Signer("kp2mi-1", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def written() -> tuple[tuple[str, bytes], ...]:
    """Headers as our producers write them."""
    [record] = ENVELOPE.seal([ENVELOPE.draft(EVENT)], SIGNER)
    return tuple(record.headers)


def test_what_our_producers_write_is_taken_at_a_glance() -> None:
    headers = written()
    given = dict(headers)
    expected = given["runut-key-id"], given["runut-signature"]
    assert signature_beside(EVENT, KEY, headers) == expected
    assert headers[:7] == cloud_event_headers(EVENT)


@pytest.mark.parametrize("place", range(10))
def test_what_is_written_otherwise_is_not(place: int) -> None:
    headers = written()
    name, value = headers[place]
    before, after = headers[:place], headers[place + 1 :]
    for instead in ((), ((name, value), (name, value)), ((name + "x", value),)):
        assert signature_beside(EVENT, KEY, (*before, *instead, *after)) is None
    assert signature_beside(EVENT, KEY, headers[::-1]) is None
    if name != "traceparent":
        assert signature_beside(EVENT, KEY, (*before, (name, None), *after)) is None
    if not name.startswith(("runut", "trace")):
        assert signature_beside(EVENT, KEY, (*before, (name, value + b"x"), *after)) is None
