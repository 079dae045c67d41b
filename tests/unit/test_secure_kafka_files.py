"""The configuration of a Kafka with logins agrees with that of every Kafka of a ledger."""

from __future__ import annotations

from embedded import kafka
from tests.builders import ROOT

PORTS = {name: 1024 + n for n, name in enumerate(kafka.port_names(1))}
OWN = {
    "advertised.listeners",
    "controller.quorum.voters",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
}
"""Where it runs, and how it is reached."""
SMALL = {
    "log.cleaner.dedupe.buffer.size",
    "num.io.threads",
    "num.network.threads",
    "offsets.topic.num.partitions",
    "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.num.partitions",
}
"""Sized for one machine that runs everything."""


def settings(text: str) -> dict[str, str]:
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_all_else_than_who_is_let_in_is_as_in_the_embedded_kafka() -> None:
    secure = settings((ROOT / "deploy" / "kafka" / "server.properties").read_text())
    embedded = settings(kafka.properties(1, 1, PORTS, "logs"))
    shared = embedded.keys() - OWN - SMALL
    assert {name: secure.get(name) for name in shared} == {name: embedded[name] for name in shared}


def test_no_login_makes_a_superuser() -> None:
    secure = settings((ROOT / "deploy" / "kafka" / "server.properties").read_text())
    users = secure["super.users"].split(";")
    assert users
    assert all(user.startswith("User:CN=") for user in users)
