"""deploy/kafka/compose.yml puts the broker of the page on logins, as tested, into containers."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from runut.settings import Settings, given_settings
from tests.builders import ROOT
from tests.containers import BROKERS, SECURE_TEXT, SERVICES, VARIABLE, environment

DEPLOY = ROOT / "deploy" / "kafka"
GRANTS = (DEPLOY / "grant.sh").read_text()
OURS = ("ledger", "worker", "web", "sealer")
CONFIGURATION = "/mnt/shared/config/server.properties"
"""Where the image apache/kafka looks for it."""


class Loader(yaml.SafeLoader):
    """Knows Compose's tag for what replaces, and does not add to, what was there."""


def _plain(loader: Loader, node: Any) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor("!override", _plain)

FILE: dict[str, Any] = yaml.load(VARIABLE.sub(lambda found: found[2], SECURE_TEXT), Loader)
ADDED: dict[str, Any] = FILE["services"]


def broker_settings() -> dict[str, str]:
    lines = (DEPLOY / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def mounted(service: str) -> dict[str, str]:
    """What is at which place of a container."""
    volumes = [one.split(":") for one in ADDED[service]["volumes"]]
    return {place: what for what, place, *_ in volumes}


def test_the_broker_is_the_one_that_is_tested_and_nothing_of_the_open_one_is_left() -> None:
    (broker,) = BROKERS["single"]
    assert ADDED.keys() == {broker, *OURS}
    assert mounted(broker)[CONFIGURATION] == "./deploy/kafka/server.properties"
    # Variables would go before the file.
    assert set(ADDED[broker]["environment"]) == {"CLUSTER_ID", "KAFKA_HEAP_OPTS"}
    assert re.findall(r"^ *(\w+): !override", SECURE_TEXT, re.MULTILINE) == ["environment", "ports"]
    for name in ("ssl.keystore.location", "ssl.truststore.location"):
        assert broker_settings()[name] in mounted(broker)
    (volume,) = SERVICES[broker]["volumes"]
    assert volume.endswith(broker_settings()["log.dirs"])


def test_only_the_listener_that_asks_for_a_login_is_published() -> None:
    (port,) = ADDED["kafka"]["ports"]
    assert "CLIENTS://:" + port.rpartition(":")[2] in broker_settings()["listeners"]


@pytest.mark.parametrize("service", OURS)
def test_a_service_logs_in_as_itself_at_an_address_that_is_the_broker(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**environment(service), **ADDED[service]["environment"]}
    assert {name.removeprefix("RUNUT_").lower() for name in given} <= set(Settings.model_fields)
    assert re.search(rf"\$\{{KAFKA_{service.upper()}_PASSWORD:-\}}", SECURE_TEXT)
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    found = given_settings()
    assert found.kafka_security_protocol == "SASL_SSL"
    assert found.kafka_sasl_mechanism == broker_settings()["sasl.enabled.mechanisms"]
    assert found.kafka_sasl_username == f"runut-{service}"
    assert f"--allow-principal User:{found.kafka_sasl_username} " in GRANTS.replace("\\\n", "")
    assert str(found.kafka_cafile) in mounted(service)
    assert f"CLIENTS://{found.kafka_bootstrap}" in broker_settings()["advertised.listeners"]
    host, _, _ = (found.kafka_bootstrap or "").partition(":")
    assert host in ADDED["kafka"]["networks"]["default"]["aliases"]
