"""Passwords of the embedded PostgreSQL, and how the registry is told of a database."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from embedded.postgres import open_passwords, url
from embedded.registry import datasource


def test_passwords_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    made = open_passwords(tmp_path)
    assert open_passwords(tmp_path) == made
    assert made.postgres != made.runut
    assert (tmp_path / "passwords.json").stat().st_mode & 0o777 == 0o600


def test_two_data_directories_have_different_passwords(tmp_path: Path) -> None:
    assert open_passwords(tmp_path / "a") != open_passwords(tmp_path / "b")


def test_the_registry_gets_user_and_password_apart_from_the_jdbc_address() -> None:
    found = datasource(url(5433, "se-cret"))
    address = urlsplit(found["APICURIO_DATASOURCE_URL"].removeprefix("jdbc:"))
    assert (address.scheme, address.netloc, address.path) == (
        "postgresql",
        "127.0.0.1:5433",
        "/runut",
    )
    assert parse_qs(address.query) == {"currentSchema": ["registry"]}
    assert found["APICURIO_DATASOURCE_USERNAME"] == "runut"
    assert found["APICURIO_DATASOURCE_PASSWORD"] == "se-cret"


def test_options_of_an_external_database_reach_the_registry() -> None:
    found = datasource("postgresql://ann@db.example:6000/ledger?sslmode=verify-full")
    address = urlsplit(found["APICURIO_DATASOURCE_URL"].removeprefix("jdbc:"))
    assert address.netloc == "db.example:6000"
    assert parse_qs(address.query)["sslmode"] == ["verify-full"]
