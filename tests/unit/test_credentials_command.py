"""What people say of a credential that is to be made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner

from cli.credentials import credentials_app, expiry

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("2027-01-31", datetime(2027, 1, 31, 17, tzinfo=UTC)),
        ("2027-01-31T09:00:00+07:00", datetime(2027, 1, 31, 2, tzinfo=UTC)),
    ],
)
def test_days_dates_and_times_are_understood(text: str, ends: datetime) -> None:
    assert expiry(text, NOW) == ends


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "30 d", "2027-13-01", "9999-12-31", "soon"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="30d"):
        expiry(text, NOW)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--role", "king"), "expected --role to be one of emitter, reader"),
        (("--role", "reader", "--expires", "soon"), "expected days such as 30d"),
        ((), "Missing option '--role'"),
    ],
)
def test_wrong_wishes_are_refused_with_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    ended = CliRunner().invoke(credentials_app, ["new", "kemlu", *words])
    assert ended.exit_code == 2
    assert sentence in " ".join(ended.output.replace("│", " ").split())
