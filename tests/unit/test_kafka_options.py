"""What Kafka clients and topics are asked for, as the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from runut.adapters import kafka, topics
from runut.adapters.kafka_login import login_options
from runut.errors import SettingError
from runut.settings import Settings


def test_a_plain_connection_takes_no_password() -> None:
    options = kafka.client_options(Settings(kafka_bootstrap="a:9092,b:9092"))
    assert options == {"bootstrap_servers": "a:9092,b:9092", "security_protocol": "PLAINTEXT"}


def test_a_login_over_tls_has_both() -> None:
    options = kafka.client_options(
        Settings(
            kafka_bootstrap="a:9092",
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_username="runut",
            kafka_sasl_password="secret",
        )
    )
    assert options.pop("ssl_context").check_hostname is True
    assert options == {
        "bootstrap_servers": "a:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "runut",
        "sasl_plain_password": "secret",
    }


def test_without_a_broker_the_variable_is_named() -> None:
    with pytest.raises(SettingError, match=r"^RUNUT_KAFKA_BOOTSTRAP: expected host:port"):
        kafka.client_options(Settings(kafka_bootstrap=None))


def test_a_ledgers_topics_forget_nothing() -> None:
    settings = Settings(partitions=96, replication=3)
    assert topics.topic_configs(settings, "BROKER") == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "1048576",
        "min.insync.replicas": "2",
    }
    assert topics.topic_partitions(settings) == {
        "runut.events": 96,
        "runut.directory": 1,
        "runut.seals": 1,
    }


def test_one_replica_is_enough_where_there_is_one_broker() -> None:
    configs = topics.topic_configs(Settings(), "TEST")
    assert "min.insync.replicas" not in configs
    assert configs["message.timestamp.type"] == "CreateTime"


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    settings = Settings(kafka_security_protocol="SSL", kafka_cafile=empty)
    for text in (None, "no certificate"):
        if text:
            empty.write_text(text)
        with pytest.raises(SettingError, match=r"^RUNUT_KAFKA_CAFILE: expected a file of cert"):
            login_options(settings)


def test_a_login_without_a_password_is_named() -> None:
    settings = Settings(kafka_security_protocol="SASL_PLAINTEXT", kafka_sasl_username="kp2mi")
    with pytest.raises(SettingError, match=r"^RUNUT_KAFKA_SASL_PASSWORD: expected a password"):
        login_options(settings)
