"""A Kafka whose clients log in: each principal can do what it was granted, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import (
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.structs import TopicPartition

from embedded.external import check_external
from embedded.platform import Endpoints
from projections.install import install
from projections.waiting import wait_until_projected
from runut import Producer
from runut.adapters import kafka
from runut.adapters.postgres import connected
from runut.errors import NotAdmitted
from runut.founding import found_ledger, make_topics
from runut.registration import apply_directory
from runut.settings import Settings
from tests.acceptance.processes import started
from tests.integration.logs import read_log
from tests.integration.test_look import runut
from tests.integration.test_producer import contact
from tests.integration.test_projector import DEADLINE_S
from tests.ledgers import PARTITIONS, introduce_agencies
from tests.secure_kafka import SecureKafka, secure_kafka

pytestmark = pytest.mark.timeout(600)  # Kafka's tools are nine programs that start one by one
AGENCY = "kp2mi"
DENIED = 29
"""Kafka's code for a topic that the client may not do this to."""


class Ledger:
    """A ledger on the secure Kafka, seen by whoever logs in."""

    def __init__(self, kafka: SecureKafka, platform: Endpoints) -> None:
        self._kafka = kafka
        self._common: dict[str, Any] = {
            "data": kafka.home / "ledger",
            "registry_url": platform.registry_url,
            "postgres_url": platform.postgres_url,
            "partitions": PARTITIONS,
            "model_schema": "secure_model",
            "views_schema": "secure",
        }

    def seen_by(self, user: str, **changed: Any) -> Settings:
        return self._kafka.settings(user, **{**self._common, **changed})


@pytest.fixture(scope="module")
async def ledger(
    platform: Endpoints, schema_ids: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ledger]:
    async with secure_kafka(tmp_path_factory.mktemp("secure"), AGENCY) as running:
        ledger = Ledger(running, platform)
        founder = ledger.seen_by("runut-ledger")
        await make_topics(founder, "BROKER")
        await found_ledger(founder, schema_ids, clock="BROKER")
        await introduce_agencies(founder)
        yield ledger


@pytest.fixture
def agency(ledger: Ledger) -> Settings:
    return ledger.seen_by(AGENCY)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """What Kafka can be asked for beside sending and reading."""
    client = AIOKafkaAdminClient(**kafka.client_options(settings))
    async with kafka.connected(settings, client):
        yield client


@pytest.fixture(params=[AGENCY, "runut-worker", "runut-ledger"])
async def anybody(
    ledger: Ledger, request: pytest.FixtureRequest
) -> AsyncIterator[AIOKafkaAdminClient]:
    async with asking(ledger.seen_by(request.param)) as client:
        yield client


async def test_an_agency_emits_and_a_worker_projects_each_by_its_own_login(
    ledger: Ledger, agency: Settings
) -> None:
    async with Producer(agency) as producer:
        receipt = await producer.emit_json(contact())
    worker = ledger.seen_by("runut-worker")
    async with connected(worker, name="tests", autocommit=True) as connection:
        await install(connection, worker)
        async with started(worker, "worker"):
            place = {receipt.partition: receipt.offset}
            assert await wait_until_projected(connection, place, deadline_s=DEADLINE_S)
    (recorded,) = (await read_log(worker)).on_subject(receipt.subject)
    assert (recorded.event.event_id, recorded.signature) == (receipt.event_id, "VALID")


@pytest.mark.parametrize("topic", ["runut.directory", "runut.seals", "runut.other"])
async def test_an_agency_writes_to_no_other_topic(agency: Settings, topic: str) -> None:
    producer = kafka.producer(agency)
    async with kafka.connected(agency, producer):
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(topic, b"value", b"key", partition=0)


async def test_an_agency_makes_no_topics(agency: Settings) -> None:
    async with asking(agency) as client:
        made = await client.create_topics([NewTopic("runut.other", 1, 1)])
    assert [code for _, code, *_ in made.topic_errors] == [DENIED]


async def test_nobody_removes_topics(anybody: AIOKafkaAdminClient) -> None:
    removed = await anybody.delete_topics(["runut.events"])
    assert [code for _, code in removed.topic_error_codes] == [DENIED]


async def test_nobody_deletes_records(anybody: AIOKafkaAdminClient) -> None:
    wanted = {TopicPartition("runut.events", 0): RecordsToDelete(before_offset=1)}
    with pytest.raises(TopicAuthorizationFailedError):
        await anybody.delete_records(wanted)


async def test_nobody_alters_a_topic(anybody: AIOKafkaAdminClient) -> None:
    forgetful = ConfigResource(
        ConfigResourceType.TOPIC, "runut.events", configs={"retention.ms": "1"}
    )
    (answer,) = await anybody.alter_configs([forgetful])
    assert [code for code, *_ in answer.resources] == [DENIED]


async def test_nobody_writes_in_transactions(ledger: Ledger) -> None:
    for user in (AGENCY, "runut-worker", "runut-ledger"):
        options = kafka.client_options(ledger.seen_by(user))
        writer = AIOKafkaProducer(**options, transactional_id="runut")
        with pytest.raises(TransactionalIdAuthorizationFailed):
            await writer.start()
        await writer.stop()


async def test_an_agency_reads_the_directory_and_nothing_else(agency: Settings) -> None:
    with pytest.raises(NotAdmitted, match=r"^Kafka at \S+ does not let kp2mi do this"):
        await read_log(agency)


async def test_who_may_not_write_the_directory_is_told_in_one_sentence(
    agency: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "more.toml"
    file.write_text(
        '[[agency]]\ncode = "more"\nname_id = "x"\nname_en = "x"\nkind = "NGO"\nroles = []\n'
    )
    with pytest.raises(NotAdmitted, match=r"does not let kp2mi do this .*runut\.directory"):
        await apply_directory(agency, file)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"RUNUT_KAFKA_SASL_PASSWORD": "wrong"},
            "refuses the login of kp2mi; look at RUNUT_KAFKA_SASL_USERNAME and "
            "RUNUT_KAFKA_SASL_PASSWORD\n",
        ),
        (
            {"RUNUT_KAFKA_CAFILE": ""},
            "shows a certificate that is not to be trusted (unable to get local issuer "
            "certificate); RUNUT_KAFKA_CAFILE is not set\n",
        ),
    ],
)
async def test_a_login_that_fails_is_one_sentence(
    agency: Settings, wrong: Mapping[str, str], sentence: str
) -> None:
    ended = await runut(agency, "ledger", "show", **wrong)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"runut: Kafka at {agency.kafka_bootstrap} {sentence}"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kafka_sasl_username": "nobody"}, "refuses the login of nobody"),
        ({"kafka_sasl_mechanism": "SCRAM-SHA-256"}, "takes no login by SCRAM-SHA-256"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "breaks off a connection by PLAINTEXT"),
        ({"kafka_security_protocol": "SSL"}, "breaks off a connection by SSL"),
        ({"kafka_security_protocol": "SASL_PLAINTEXT"}, "breaks off a connection by SASL_PLAIN"),
    ],
)
async def test_what_is_wrong_with_a_login_is_named_before_anything_is_started(
    ledger: Ledger, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NotAdmitted, match=sentence):
        await check_external(ledger.seen_by(AGENCY, **wrong))


async def test_an_authority_that_did_not_vouch_for_the_broker_is_named(ledger: Ledger) -> None:
    another = ledger.seen_by(AGENCY).kafka_cafile
    assert another
    wrong = ledger.seen_by(AGENCY, kafka_cafile=another.with_name("another-ca.pem"))
    with pytest.raises(NotAdmitted, match=r"not to be trusted .*another-ca\.pem$"):
        await check_external(wrong)
