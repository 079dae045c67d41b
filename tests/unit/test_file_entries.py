"""What a report says of a line that is no event, and what it does not repeat."""

from __future__ import annotations

import pytest

from producers.files.entries import SHOWN, bad_line
from runut.errors import BadInput, FieldError

NIK = "3171014502900001"


@pytest.mark.parametrize("at", range(SHOWN - len(NIK), SHOWN))
def test_a_number_that_is_cut_off_is_hidden_as_well(at: int) -> None:
    text = "x" * (at - 1) + " " + NIK
    for given in (text, text.encode()):
        found = bad_line(1, BadInput("line", "an event", text), given)
        assert len(found.text) <= SHOWN
        assert NIK[:4] not in found.text
    for length in range(100, 120):
        found = bad_line(1, FieldError("data.mode", "one", "x" * length + " " + NIK), "")
        assert NIK[:4] not in found.reason


def test_the_field_is_named_where_one_is_to_blame() -> None:
    found = bad_line(7, FieldError("data.mode", "one of PHONE, VIDEO", "FAX"), b"{\xff}")
    assert (found.line, found.field, found.text) == (7, "data.mode", "{\ufffd}")
    assert found.reason == "data.mode: expected one of PHONE, VIDEO, found FAX"
