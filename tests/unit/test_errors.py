"""Errors say what they say wherever they are raised."""

from __future__ import annotations

import pickle

import pytest

from audit.verify import VerificationFailed
from runut.errors import (
    BadInput,
    LedgerMismatch,
    NotFound,
    RunutError,
    SealMismatch,
    TooManyRequests,
    Unreachable,
)


@pytest.mark.parametrize(
    "error",
    [
        BadInput("thing", "this", 3),
        LedgerMismatch("the log is another"),
        NotFound("case/X", "no event of it"),
        SealMismatch(41, "root", "this", "that"),
        TooManyRequests("requests", "10 a second", 0.5),
        Unreachable("Kafka", "host:9092", "start it", "refused"),
        VerificationFailed(2, BadInput("checkpoint", "a signature", "none")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_goes_from_process_to_process_as_it_is(error: RunutError) -> None:
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found)) == (type(error), str(error))
    assert {**found.__dict__, "cause": None} == {**error.__dict__, "cause": None}
