"""The settings of Kafka's brokers and the data that they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded.kafka import (
    HEAP_MB,
    YOUNG_MB,
    bootstrap,
    broker_names,
    kafka_parts,
    open_cluster,
    port_names,
    properties,
)
from runut.errors import PlatformError


def numbered_ports(brokers: int) -> dict[str, int]:
    return {name: 9000 + offset for offset, name in enumerate(port_names(brokers))}


def read(settings: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in settings.splitlines())


@pytest.mark.parametrize("brokers", [1, 3])
def test_every_listener_of_a_broker_is_on_the_loopback_address(brokers: int) -> None:
    ports = numbered_ports(brokers)
    for node in range(1, brokers + 1):
        listeners = read(properties(brokers, node, ports, "logs"))["listeners"].split(",")
        assert [entry.partition("://")[2].partition(":")[0] for entry in listeners] == [
            "127.0.0.1",
            "127.0.0.1",
        ]


def test_a_lone_broker_asks_for_one_replica_and_three_for_three_of_which_two_must_agree() -> None:
    lone = read(properties(1, 1, numbered_ports(1), "logs"))
    several = read(properties(3, 2, numbered_ports(3), "logs"))
    names = [name for name in lone if name.endswith("replication.factor")]
    assert len(names) == 4
    assert {lone[name] for name in names} == {"1"}
    assert {several[name] for name in names} == {"3"}
    assert (lone["min.insync.replicas"], several["min.insync.replicas"]) == ("1", "2")


def test_all_brokers_of_a_cluster_name_the_same_voters_and_their_own_id() -> None:
    found = [read(properties(3, node, numbered_ports(3), "logs")) for node in (1, 2, 3)]
    assert {each["controller.quorum.voters"] for each in found} == {
        "1@127.0.0.1:9001,2@127.0.0.1:9003,3@127.0.0.1:9005"
    }
    assert [each["node.id"] for each in found] == ["1", "2", "3"]


def test_topics_are_never_made_by_using_them() -> None:
    assert read(properties(1, 1, numbered_ports(1), "logs"))["auto.create.topics.enable"] == "false"


def test_clients_get_the_address_of_every_broker() -> None:
    assert bootstrap(numbered_ports(3), 3) == "127.0.0.1:9000,127.0.0.1:9002,127.0.0.1:9004"


def test_one_of_several_brokers_is_started_again_and_a_lone_one_is_not(tmp_path: Path) -> None:
    lone = kafka_parts(tmp_path, open_cluster(tmp_path / "a", 1), numbered_ports(1), [])
    several = kafka_parts(tmp_path, open_cluster(tmp_path / "b", 3), numbered_ports(3), [])
    assert [part.restarts for part in lone] == [0]
    assert [part.name for part in several] == broker_names(3)
    assert all(part.restarts > 0 for part in several)


def test_requests_stand_still_for_a_small_part_of_a_brokers_heap(tmp_path: Path) -> None:
    (broker,) = kafka_parts(tmp_path, open_cluster(tmp_path, None), numbered_ports(1), [])
    assert f"-Xmx{HEAP_MB}m" in broker.command
    assert f"-Xmn{YOUNG_MB}m" in broker.command
    assert YOUNG_MB < HEAP_MB / 10


def test_a_cluster_keeps_its_id_and_number_of_brokers(tmp_path: Path) -> None:
    made = open_cluster(tmp_path, 3)
    assert open_cluster(tmp_path, None) == made
    assert open_cluster(tmp_path, 3) == made


def test_another_number_of_brokers_than_the_data_was_made_with_is_refused(tmp_path: Path) -> None:
    open_cluster(tmp_path, None)
    with pytest.raises(PlatformError, match=r"expected the 1 broker.*found 3"):
        open_cluster(tmp_path, 3)
