"""What a wrong setting, argument or file is told: what was expected, and no secret."""

from __future__ import annotations

import json

import pytest

from runut.adapters import postgres
from runut.errors import BadInput, SettingError, wanted_of
from runut.settings import Settings, given_settings


@pytest.mark.parametrize("address", ["localhost", "h:abc", "h:0", "h:65536", ":9092", "h:1,"])
def test_brokers_are_named_by_host_and_port(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("RUNUT_KAFKA_BOOTSTRAP", address)
    with pytest.raises(SettingError, match=r"^RUNUT_KAFKA_BOOTSTRAP: expected host:port") as wrong:
        given_settings()
    assert address in str(wrong.value)


@pytest.mark.parametrize("address", ["h:1", "10.0.0.1:9092,h:65535", "[::1]:9092"])
def test_brokers_may_be_several(address: str) -> None:
    assert Settings(kafka_bootstrap=address).kafka_bootstrap == address


def test_words_are_told_as_they_have_to_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNUT_LOG_LEVEL", "debug")
    with pytest.raises(SettingError, match=r"RUNUT_LOG_LEVEL: expected 'DEBUG', .*found 'debug'"):
        given_settings()


@pytest.mark.parametrize("url", ["foo", "postgresql://u:geheim%zz@127.0.0.1/x", "postgres//x"])
async def test_an_address_of_postgresql_that_cannot_be_read_is_not_shown(url: str) -> None:
    settings = Settings(postgres_url=url)
    for attempt in (postgres.connect(settings, name="tests"), pool(settings)):
        with pytest.raises(SettingError, match="RUNUT_POSTGRES_URL: expected an address") as wrong:
            await attempt
        assert "geheim" not in str(wrong.value)


async def pool(settings: Settings) -> None:
    postgres.Pool(settings, name="tests", size=1)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Input should be greater than or equal to 1", "greater than or equal to 1"),
        ("Value error, expected an RFC 3339 time", "an RFC 3339 time"),
        ("String should match pattern 'x'", "text to match pattern 'x'"),
        ("Field required", "a value"),
        ("Something new", "Something new"),
    ],
)
def test_pydantic_s_messages_say_what_is_expected(message: str, expected: str) -> None:
    assert wanted_of(message) == expected


def test_what_a_library_says_is_told_in_its_words_alone() -> None:
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        told = str(BadInput("file", "JSON", error))
    assert told.startswith("file: expected JSON, found Expecting property name")
    assert str(BadInput("file", "an answer", TimeoutError())).endswith("found TimeoutError()")
