"""docker-compose.yml says the same as the embedded platform, and holds together.

No container can be started where the tests run: this holds the file against the versions and
settings that do run.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from embedded import kafka, postgres, registry
from embedded.artifacts import read_lock
from projections.seals.install import SEALER_ROLE
from runut.adapters.topics import topic_configs
from runut.settings import Settings, given_settings
from tests.containers import (
    ALL_BROKERS,
    BROKERS,
    LEDGERS,
    OURS,
    PROJECT,
    ROOT,
    SEALERS,
    SERVICES,
    WEBS,
    WORKERS,
    environment,
)

# Where containers are found is other than where processes of one machine are.
PLACES: Final = {
    "node.id",
    "log.dirs",
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "listener.security.protocol.map",
}


def settings_of(service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment(service).items():
        monkeypatch.setenv(name, value)
    return given_settings()


def embedded_broker(brokers: int) -> dict[str, str]:
    ports = dict.fromkeys(kafka.port_names(brokers), 1)
    lines = kafka.properties(brokers, 1, ports, "logs").splitlines()
    return dict(line.split("=", 1) for line in lines)


def entries(text: str) -> dict[str, str]:
    """`NAME://host:port,…` or `NAME:PROTOCOL,…` by name."""
    return dict(one.replace("://", ":").split(":", 1) for one in text.split(","))


# --- versions ------------------------------------------------------------------------------------


def test_images_are_the_versions_that_the_embedded_platform_runs() -> None:
    versions = read_lock().versions
    expected = {
        f"apache/kafka:{versions['kafka']}",
        f"apicurio/apicurio-registry:{versions['registry']}",
        f"postgres:{versions['postgres']}",
        f"runut:{PROJECT['version']}",
    }
    assert {service["image"] for service in SERVICES.values()} == expected


# --- Kafka ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", BROKERS)
def test_brokers_have_the_settings_of_embedded_ones(profile: str) -> None:
    expected = {
        "KAFKA_" + name.replace(".", "_").upper(): value
        for name, value in embedded_broker(len(BROKERS[profile])).items()
        if name not in PLACES
    }
    assert "KAFKA_AUTO_CREATE_TOPICS_ENABLE" in expected
    for service in BROKERS[profile]:
        found = environment(service)
        assert {name: found.get(name) for name in expected} == expected
        assert found["KAFKA_HEAP_OPTS"] == f"-Xmx{kafka.HEAP_MB}m"


@pytest.mark.parametrize("profile", BROKERS)
def test_brokers_of_a_profile_form_one_quorum(profile: str) -> None:
    brokers = BROKERS[profile]
    ids = {environment(service)["KAFKA_NODE_ID"]: service for service in brokers}
    assert len(ids) == len(brokers)
    voters = ",".join(f"{node}@{service}:9093" for node, service in ids.items())
    for service in brokers:
        assert environment(service)["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert entries(environment(service)["KAFKA_LISTENERS"])["CONTROLLER"].endswith(":9093")
    (cluster_id,) = {environment(service)["CLUSTER_ID"] for service in brokers}
    assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16


@pytest.mark.parametrize("service", ALL_BROKERS)
def test_a_broker_tells_clients_an_address_that_leads_to_its_own_listener(service: str) -> None:
    found = environment(service)
    listeners = entries(found["KAFKA_LISTENERS"])
    advertised = entries(found["KAFKA_ADVERTISED_LISTENERS"])
    assert set(entries(found["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"])) == set(listeners)
    assert advertised["PLAINTEXT"] == service + listeners["PLAINTEXT"]
    (published,) = SERVICES[service]["ports"]
    assert published == advertised["HOST"] + listeners["HOST"]
    assert listeners["PLAINTEXT"].strip(":") in SERVICES[service]["healthcheck"]["test"][-1]


def test_brokers_keep_their_logs_on_volumes_of_their_own() -> None:
    for service in ALL_BROKERS:
        kept = f"{service}:{environment(service)['KAFKA_LOG_DIRS']}"
        assert SERVICES[service]["volumes"] == [kept]


# --- registry and PostgreSQL ---------------------------------------------------------------------


def test_the_registry_has_the_settings_of_the_embedded_one(tmp_path: Path) -> None:
    found = environment("registry")
    password = environment("postgres")["REGISTRY_DB_PASSWORD"]
    url = f"postgresql://registry:{password}@postgres:5432/{postgres.LEDGER}"
    ports = dict.fromkeys(registry.PORT_NAMES, 1)
    part, _ = registry.registry_part(tmp_path, tmp_path, ports, url)
    places = {"QUARKUS_HTTP_HOST", "QUARKUS_HTTP_PORT", "QUARKUS_MANAGEMENT_PORT"}
    expected = {
        name: value
        for name, value in (part.env or {}).items()
        if name.startswith(("APICURIO_", "QUARKUS_")) and name not in places
    }
    assert {name: found.get(name) for name in expected} == expected
    assert expected["APICURIO_STORAGE_KIND"] == "sql"
    assert found["JAVA_OPTS_APPEND"] == f"-Xmx{registry.HEAP_MB}m"
    assert SERVICES["registry"]["healthcheck"]["test"][-1].endswith(f"{registry.API}/subjects")


def test_postgresql_has_the_settings_of_the_embedded_one() -> None:
    places = {"listen_addresses", "unix_socket_directories"}
    program, *found = SERVICES["postgres"]["command"]
    assert program == "postgres"
    assert found == [
        f"--{name}={value}" for name, value in postgres.SETTINGS.items() if name not in places
    ]


def test_postgresql_orders_text_alike_everywhere_and_asks_for_passwords() -> None:
    written = (ROOT / "embedded/postgres.py").read_text()  # its initdb takes the same ones
    arguments = environment("postgres")["POSTGRES_INITDB_ARGS"].split()
    assert {"--auth=scram-sha-256", "--builtin-locale=C.UTF-8"} <= set(arguments)
    assert [one for one in arguments if f'"{one}"' not in written] == []


def test_roles_of_postgresql_are_made_with_the_passwords_that_services_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = (ROOT / "deploy/postgres.sql").read_text()
    made = re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD :'(\w+)'", script)
    read = dict(re.findall(r"\\getenv (\w+) (\w+)", script))
    passwords = {role: environment("postgres")[read[variable]] for role, variable in made}
    assert passwords["registry"] == environment("registry")["APICURIO_DATASOURCE_PASSWORD"]
    assert len(set(passwords.values())) == len(made)
    for service in OURS:
        url = urlsplit(settings_of(service, monkeypatch).postgres_url or "")
        assert (url.hostname, url.path) == ("postgres", f"/{postgres.LEDGER}")
        assert passwords[url.username or ""] == url.password
    assert f"CREATE ROLE {SEALER_ROLE} NOLOGIN" in script
    assert f"GRANT {SEALER_ROLE} TO {postgres.LEDGER}" in script
    place = "./deploy/postgres.sql:/docker-entrypoint-initdb.d/runut.sql:ro"
    assert place in SERVICES["postgres"]["volumes"]
    included = re.findall(r"^\\i (\S+)$", script, re.MULTILINE)
    mounted = {one.split(":")[1]: one.split(":")[0] for one in SERVICES["postgres"]["volumes"]}
    assert included
    assert all((ROOT / mounted[path]).is_file() for path in included)


# --- Runut ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", OURS)
def test_every_variable_of_ours_is_a_setting(service: str) -> None:
    known = {"RUNUT_" + name.upper() for name in Settings.model_fields}
    assert set(environment(service)) <= known


@pytest.mark.parametrize("profile", BROKERS)
def test_services_find_the_brokers_and_the_registry_of_their_profile(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in (LEDGERS[profile], WORKERS[profile], WEBS[profile], SEALERS[profile]):
        found = settings_of(service, monkeypatch)
        expected = ",".join(f"{broker}:9092" for broker in BROKERS[profile])
        assert found.kafka_bootstrap == expected
        port = environment("registry")["QUARKUS_HTTP_PORT"]
        assert found.registry_url == f"http://registry:{port}{registry.API}"


def test_a_cluster_founds_a_ledger_of_96_partitions_that_outlives_a_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = settings_of("ledger-cluster", monkeypatch)
    assert (found.partitions, found.replication) == (96, len(BROKERS["cluster"]))
    in_sync = topic_configs(found, "BROKER")["min.insync.replicas"]
    assert in_sync == environment("kafka-1")["KAFKA_MIN_INSYNC_REPLICAS"] == "2"


def test_a_single_broker_founds_the_ledger_of_the_embedded_platform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = settings_of("ledger", monkeypatch)
    defaults = [Settings.model_fields[name].default for name in ("partitions", "replication")]
    assert [found.partitions, found.replication] == defaults


@pytest.mark.parametrize("profile", BROKERS)
def test_a_profile_waits_for_its_own_services_alone(profile: str) -> None:
    members = {name for name, service in SERVICES.items() if profile in service["profiles"]}
    brokers = members & set(ALL_BROKERS)
    assert brokers == set(BROKERS[profile])
    for name in members:
        assert set(SERVICES[name].get("depends_on", {})) <= members
    ledger = SERVICES[LEDGERS[profile]]["depends_on"]
    assert {one["condition"] for one in ledger.values()} == {"service_healthy"}
    assert set(ledger) == {"registry", *brokers}
    for service in (WORKERS[profile], WEBS[profile], SEALERS[profile]):
        waits = SERVICES[service]["depends_on"]
        assert waits[LEDGERS[profile]]["condition"] == "service_completed_successfully"
