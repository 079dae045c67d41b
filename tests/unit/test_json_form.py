"""The JSON form: what is read, what is refused, and which field the error names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from runut.catalogue import catalogue
from runut.codec import MAX_VALUE, decode, encode
from runut.errors import FieldError
from runut.json_form import data_json, from_json, json_bytes, to_json

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.jsonl"))


def line(**changes: Any) -> dict[str, Any]:
    """A fine in its JSON form; a name of the payload is changed there, ABSENT leaves it out."""
    data = {
        "fine_id": "F1",
        "debtor": "disnaker-kupang",
        "clause_id": "K1",
        "cause": "C3",
        "amount": "5000000.00",
    }
    envelope = {
        "type": "FineImposed",
        "subject": "agreement/PKS-NTT-2026",
        "agency": "bp3mi-ntt",
        "occurred_at": "2026-02-10T09:00:00+07:00",
    }
    data |= {name: value for name, value in changes.items() if name in {*data, "due_at"}}
    envelope |= {name: value for name, value in changes.items() if name not in data}
    whole: dict[str, Any] = {"data": data, **envelope}
    for part in (whole, data):
        for name in [name for name, value in part.items() if value is ...]:
            del part[name]
    return whole


def letter(**data: Any) -> dict[str, Any]:
    envelope = line(type="LetterSent", subject="case/X")
    required = {"letter_id": "L", "number": "1", "dated": "2026-02-10", "doc_type": "MEMO"}
    required |= {"urgency": "NORMAL", "title": "-"}
    return {**envelope, "data": {**required, "reply_expected": False, **data}}


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda one: one.stem)
def test_every_line_of_the_scenarios_is_read_and_survives_its_bytes(file: Path) -> None:
    for text in file.read_bytes().splitlines():
        event = from_json(text)
        event_type = catalogue().by_name(event.type)
        assert decode(event_type, encode(event_type, event)) == event
        assert from_json(json_bytes(event)) == event


def test_values_become_python_values() -> None:
    event = from_json(line(due_at="2026-03-01T23:59:59+07:00"))
    assert event.occurred_at == datetime(2026, 2, 10, 2, tzinfo=UTC)
    assert event.data["amount"] == Decimal("5000000.00")
    assert event.data["due_at"] == datetime(2026, 3, 1, 16, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\tb"])
def test_lines_end_as_on_any_machine(text: str) -> None:
    given = line(cause=text)
    assert from_json(given).data["cause"] == text
    assert from_json(json.dumps(given)).data["cause"] == text


def test_what_is_absent_is_null_or_its_default() -> None:
    event = from_json(letter())
    assert event.meta["channel"] == "SYSTEM"
    assert event.meta["security"] == "ORDINARY"
    assert event.meta["legal_basis"] is None
    assert event.data["cc"] == []
    assert event.data["in_reply_to"] is None


def test_two_events_do_not_share_a_default_list() -> None:
    assert from_json(letter()).data["cc"] is not from_json(letter()).data["cc"]


def test_python_values_may_stand_for_text() -> None:
    jakarta = timezone(timedelta(hours=7))
    given = line(
        event_id=UUID("A8A6E868-47DA-523A-8E75-62185937A545"),
        occurred_at=datetime(2026, 2, 10, 9, tzinfo=jakarta),
        amount=Decimal("5E+6"),
    )
    event = from_json(given)
    assert event.event_id == "a8a6e868-47da-523a-8e75-62185937a545"
    assert event.occurred_at == datetime(2026, 2, 10, 2, tzinfo=UTC)
    assert str(event.data["amount"]) == "5000000.00"
    sent = from_json(letter(dated=date(2026, 2, 10), to=("kemlu",)))
    assert sent.data["dated"] == date(2026, 2, 10)
    assert sent.data["to"] == ["kemlu"]


def test_a_new_event_gets_a_uuid_of_version_7() -> None:
    first, second = from_json(line()).event_id, from_json(line()).event_id
    assert first != second
    assert UUID(first).version == 7


def test_a_line_of_a_file_is_always_the_same_event() -> None:
    text = json.dumps(line())
    other_order = json.dumps(dict(reversed(line().items())), indent=1)
    ids = {from_json(one, derive_id=True).event_id for one in (text, other_order, line())}
    assert len(ids) == 1
    assert from_json(line(cause="C4"), derive_id=True).event_id not in ids


def test_a_given_event_id_is_kept_in_lower_case() -> None:
    given = line(event_id="A8A6E868-47DA-523A-8E75-62185937A545")
    assert from_json(given, derive_id=True).event_id == "a8a6e868-47da-523a-8e75-62185937a545"


WRONG: list[tuple[Any, str, str]] = [
    (line(type=...), "type", "expected the name of an event type, found nothing"),
    (line(type="FineImpose"), "type", "did you mean FineImposed"),
    (line(type=5), "type", "found 5"),
    (line(subject=...), "subject", "expected text, found nothing"),
    (line(subject="case/X"), "subject", "expected agreement/ID"),
    (line(agency="BP3MI"), "agency", "expected an agency code"),
    (line(agency=None), "agency", "expected text, found null"),
    (line(occurred_at=...), "occurred_at", "expected an RFC 3339 time .* found nothing"),
    (line(occurred_at="2026-02-10T09:00:00"), "occurred_at", "with an offset"),
    (line(occurred_at=datetime(2026, 2, 10)), "occurred_at", "with an offset"),
    (line(occurred_at=1770688800), "occurred_at", "found 1770688800"),
    (line(event_id="1"), "event_id", "expected a UUID"),
    (line(event_id=None), "event_id", "found null"),
    (line(chanel="LETTER"), "chanel", "did you mean channel"),
    (line(channel="FAX"), "channel", 'one of SYSTEM, LETTER, .*PORTAL, found "FAX"'),
    (line(channel="UNSPECIFIED"), "channel", "one of SYSTEM, LETTER"),
    (line(fine_idd="F"), "fine_idd", "did you mean data.fine_id"),
    (line(data=5), "data", "expected an object"),
    (line(private={"sealed": ""}), "private.person_id", "found nothing"),
    (line(private={"person_id": "p", "sealed": "AB"}), "private.sealed", "base64"),
    (line(private={"person_id": "p", "sealed": "AB=="}), "private.sealed", "base64"),
    (line(amount=5000000), "data.amount", "an amount as text .* found 5000000"),
    (line(amount="5.001"), "data.amount", "2 decimals"),
    (line(amount="1e6"), "data.amount", "2 decimals"),
    (line(amount=Decimal("5.001")), "data.amount", "2 decimals"),
    (line(amount=Decimal("NaN")), "data.amount", "2 decimals"),
    (line(amount="12345678901234567"), "data.amount", "16 digits"),
    (line(fine_id="F 1"), "data.fine_id", "1 to 80 of"),
    (line(debtor=...), "data.debtor", "expected text, found nothing"),
    (line(cause="a\0"), "data.cause", "without control characters"),
    (line(cause="a\f"), "data.cause", "without control characters"),
    (line(cause="\ud800"), "data.cause", "without control characters"),
    (letter(x=1), "data.x", "a known field: letter_id"),
    (letter(dated="10-02-2026"), "data.dated", "YYYY-MM-DD"),
    (letter(dated=datetime(2026, 2, 10)), "data.dated", "YYYY-MM-DD"),
    (letter(to="kemlu"), "data.to", 'expected a list, found "kemlu"'),
    (letter(to=["kemlu", 5]), r"data.to[1]", "expected text, found 5"),
    (letter(to=["x"] * 10_001), "data.to", "10000 items at most, found 10001"),
    (letter(reply_expected=1), "data.reply_expected", "true or false, found 1"),
    (letter(attachments=[{}]), "data.attachments[0].name", "found nothing"),
    (
        letter(attachments=[{"name": "", "media_type": "", "bytes": 1.0, "sha256": ""}]),
        "data.attachments[0].bytes",
        "a whole number of 64 bits, found 1.0",
    ),
    (
        letter(attachments=[{"name": "", "media_type": "", "bytes": 2**63, "sha256": ""}]),
        "data.attachments[0].bytes",
        "64 bits",
    ),
    (b"[]", "event", "expected a JSON object"),
    (b"{", "event", "expected a JSON object, found that it ends at column 2"),
    (b"", "event", "expected a JSON object, found that it ends at column 1"),
    (b"{} x", "event", "found more after its end at column 4"),
    (b'{"a": 1,}', "event", "found no name in double quotes at column 9"),
    (b'{"a" 1}', "event", "found no colon after a name at column 6"),
    (b'{\n"a": 1 "b": 2}', "event", "found no comma after a value at line 2 column 8"),
    (b"{'a': 1}", "event", "found no name in double quotes at column 2"),
    (b'{"a": tru}', "event", "found what is no value at column 7"),
    (b'{"a": "b}', "event", "found a text without an end at column 7"),
    (b'{"a": "\\q"}', "event", "found a backslash before what needs none at column 8"),
    (b"\xff", "event", "expected UTF-8 text"),
    (b'{"a": NaN}', "event", "found NaN"),
    (b'{"a": 1, "a": 2}', "a", "a name given once, found 2 times"),
    (b'{"a": ' + b"[" * 100_000, "event", "too deep to be read"),
    (b'{"a": ' + b"9" * 5_000 + b"}", "event", "a number of thousands of digits"),
    (b" " * (MAX_VALUE + 1), "event", "262144 bytes at most"),
]
"""What is no event, the field that is to blame, and what is said of it."""


@pytest.mark.parametrize(("given", "field", "message"), WRONG)
def test_an_error_names_the_field(given: Any, field: str, message: str) -> None:
    with pytest.raises(FieldError, match=message) as caught:
        from_json(given)
    assert caught.value.field == field


def test_line_feeds_and_tabs_are_text() -> None:
    assert from_json(line(cause="a\n\tb")).data["cause"] == "a\n\tb"


def test_what_is_shown_can_be_read_again() -> None:
    event = from_json(line(private={"person_id": "p", "sealed": "AAEC"}, amount="5"))
    shown = to_json(event)
    assert shown["occurred_at"] == "2026-02-10T02:00:00Z"
    assert shown["private"]["sealed"] == "AAEC"
    assert shown["data"]["amount"] == "5.00"
    assert "legal_basis" not in shown
    assert json.loads(data_json(event)) == shown["data"]
    assert from_json(shown) == event


@pytest.mark.parametrize("depth", [1_020, 5_000])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    for text in ('{"a":' + "[" * depth + "]" * depth + "}", "[" * depth):
        with pytest.raises(FieldError, match="expected a JSON object, found values within values"):
            from_json(text)


@pytest.mark.parametrize("depth", range(900, 1_020, 10))
def test_what_can_be_read_and_is_too_deep_to_be_shown_is_refused(depth: int) -> None:
    given = json.dumps(line(cause="@")).replace('"@"', "[" * depth + "]" * depth)
    with pytest.raises(FieldError, match=r"^(data\.cause|event): expected "):
        from_json(given, derive_id=True)


def test_a_byte_order_mark_is_no_part_of_an_event() -> None:
    text = json.dumps(line(event_id="a8a6e868-47da-523a-8e75-62185937a545"))
    for given in (f"\ufeff{text}", f"\ufeff{text}".encode()):
        assert from_json(given) == from_json(text)
    with pytest.raises(FieldError, match="expected a JSON object"):
        from_json(f"\ufeff\ufeff{text}")
