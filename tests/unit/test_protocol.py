"""The protocol as data: limits computed, the schema that describes it, the words for it."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runut.calendar import Calendar, CalendarDay
from runut.errors import BadFile
from runut.founding import default_protocol
from runut.protocol import CommitmentKind, Protocol, parse_limit, protocol_schema
from runut.protocol_words import LANGS, sentences
from tools import protocol_schema as published

TEXT = default_protocol().read_text()
JAKARTA = ZoneInfo("Asia/Jakarta")


def test_the_published_schema_is_that_of_the_types() -> None:
    assert published.FILE.read_text() == published.text(), "run: python tools/protocol_schema.py"
    assert published.FILE.parent == default_protocol().parent


def test_the_default_protocol_is_valid_under_the_published_schema() -> None:
    schema = json.loads(published.FILE.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(tomllib.loads(TEXT))) == []
    assert not validator.is_valid(tomllib.loads(TEXT.replace('"10wd"', '"10 days"')))


def test_the_default_protocol_has_the_limits_of_the_contract() -> None:
    protocol = Protocol(TEXT)
    expected: list[tuple[CommitmentKind, str | None, str]] = [
        ("VERIFICATION", None, "3wd"),
        ("TRANSFER_ANSWER", None, "3wd"),
        ("LETTER_REPLY", "IMMEDIATE", "1wd"),
        ("LETTER_REPLY", "URGENT", "5wd"),
        ("LETTER_REPLY", "NORMAL", "10wd"),
        ("ASSISTANCE_ANSWER", None, "3wd"),
        ("ASSISTANCE_ANSWER", "EMERGENCY", "24h"),
        ("ASSISTANCE_DELIVERY", None, "10wd"),
        ("MINUTES", None, "3wd"),
        ("FINE_PAYMENT", None, "10wd"),
    ]
    for kind, variant, limit in expected:
        assert str(protocol.limit(kind, variant)) == limit
    assert protocol.default_arbiter == "kp2mi"
    assert protocol.consents == {"TRAFFICKING": {"polri", "kemensos"}}
    assert [one.chair for one in protocol.meeting_series] == ["kp2mi"]


def test_hours_run_on_the_clock_and_working_days_to_the_end_of_the_last() -> None:
    friday = datetime(2025, 7, 4, 15, 30, tzinfo=JAKARTA)
    leave = Calendar([CalendarDay(date(2025, 7, 7), "Cuti bersama", "JOINT")])
    assert parse_limit("x", "24h").after(friday, leave, JAKARTA) == datetime(
        2025, 7, 5, 15, 30, tzinfo=JAKARTA
    )
    due = parse_limit("x", "2wd").after(friday, leave, JAKARTA)
    assert due == datetime(2025, 7, 9, 23, 59, 59, tzinfo=JAKARTA)
    assert due.tzinfo is UTC


@given(st.integers(1, 9999), st.sampled_from(["wd", "h"]))
def test_a_limit_is_read_as_it_is_written(amount: int, span: str) -> None:
    limit = parse_limit("x", f"{amount}{span}")
    assert (limit.amount, limit.span, str(limit)) == (amount, span, f"{amount}{span}")


@pytest.mark.parametrize(
    "text", ["", "3", "0wd", "03wd", "3days", "-1h", "3 wd", "10000h", "3wd\n"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(BadFile, match=r"^x: expected a limit such as 3wd"):
        parse_limit("x", text)


def test_every_rule_has_its_sentence_in_both_languages() -> None:
    text = TEXT + "starts = 2026-01-31\ntolerance_days = 3\n"
    for lang in LANGS:
        said = " ".join(sentences(Protocol(text), lang))
        assert "{" not in said
        for word in ("Asia/Jakarta", "kp2mi", "polri", "kemensos", "rakor-pusat", "2026-01-31"):
            assert word in said
    assert "An urgent letter that expects a reply is answered within 5 working days." in sentences(
        Protocol(text), "en"
    )
    assert "Dalam keadaan darurat, jawaban itu diberikan dalam 24 jam." in sentences(
        Protocol(text), "id"
    )


def test_changing_any_value_of_the_file_changes_what_is_said() -> None:
    said = sentences(Protocol(TEXT), "en")
    changes = [
        *((f'{name} = "{old}"', f'{name} = "77wd"') for name, old in _limits()),
        ("Asia/Jakarta", "Asia/Makassar"),
        ('default_arbiter = "kp2mi"', 'default_arbiter = "kemlu"'),
        ('["polri", "kemensos"]', '["polri"]'),
        ('["polri", "kemensos"]', "[]"),
        ('before = ["1wd"]', 'before = ["2wd"]'),
        ('before = ["1wd"]', "before = []"),
        ("days_between_levels = 3", "days_between_levels = 4"),
        ("every_days = 30", "every_days = 31"),
        ('chair = "kp2mi"\n', ""),
        ('"rakor-pusat"', '"rakor-lain"'),
    ]
    for old, new in changes:
        assert old in TEXT
        assert sentences(Protocol(TEXT.replace(old, new)), "en") != said, old


def _limits() -> list[tuple[str, str]]:
    limits = tomllib.loads(TEXT)["limits"]
    letters = limits.pop("LETTER_REPLY")
    return [*limits.items(), *letters.items()]


def test_a_version_keeps_its_text() -> None:
    assert Protocol(TEXT).text == TEXT


def test_what_the_schema_forbids_is_no_protocol() -> None:
    properties = protocol_schema()["$defs"]["ProtocolFile"]["properties"]
    assert set(properties) == set(tomllib.loads(TEXT))
    with pytest.raises(BadFile, match="unknown field `colour`"):
        Protocol(f'colour = "red"\n{TEXT}')
