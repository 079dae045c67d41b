"""Tokens of credentials: made, parsed, proved."""

from __future__ import annotations

import pytest

from runut.errors import Unauthenticated
from runut.tokens import new_token, parse_token


def test_a_new_token_is_parsed_into_itself_and_proves_itself() -> None:
    token = new_token()
    assert parse_token(token.text) == token
    assert token.proves(token.secret_sha256)


def test_no_two_tokens_are_alike() -> None:
    tokens = [new_token() for _ in range(100)]
    assert len({token.credential_id for token in tokens}) == 100
    assert len({token.secret for token in tokens}) == 100


def test_a_token_does_not_prove_another_s_credential() -> None:
    mine, other = new_token(), new_token()
    assert not mine._replace(secret=other.secret).proves(mine.secret_sha256)
    last = mine.secret[-1]
    changed = mine._replace(secret=mine.secret[:-1] + ("A" if last != "A" else "B"))
    assert not changed.proves(mine.secret_sha256)


def test_what_is_kept_does_not_hold_the_secret() -> None:
    token = new_token()
    assert len(token.secret_sha256) == 32
    assert token.secret.encode() not in token.secret_sha256


@pytest.mark.parametrize(
    "text",
    [
        "",
        "runut_",
        "runut_0123456789abcdef",
        "runut_0123456789abcdef_short",
        "runut_0123456789ABCDEF_" + "a" * 43,
        "runut_0123456789abcdef_" + "a" * 44,
        "runut_0123456789abcdef_" + "a" * 42 + "é",
        "runut_0123456789abcdef_" + "a" * 43 + "\n",
        "RUNUT_0123456789abcdef_" + "a" * 43,
    ],
)
def test_a_token_of_another_form_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        parse_token(text)
    assert not text or text not in str(refused.value)
