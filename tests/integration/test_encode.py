"""Records made by `runut encode` and sent by other clients are events like all others."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from embedded.platform import Endpoints
from runut.adapters import kafka
from runut.encoded import EncodedRecord, record_of
from runut.settings import Settings
from tests.builders import ROOT
from tests.integration.logs import read_log
from tests.integration.test_look import runut
from tests.ledgers import found, introduce_agencies, own_settings

CONTACT = """{"contact_id": "c-1", "mode": "PHONE", "direction": "OUTGOING", "with": ["kp2mi"],
              "summary": "Ditelepon: \\"besok\\" 'lusa'"}"""


@pytest.fixture(scope="module")
async def ledger(
    platform: Endpoints, schema_ids: Mapping[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """A founded ledger that the tests of this module share: each has a case of its own."""
    settings = own_settings(platform, tmp_path_factory.mktemp("encode"))
    await found(settings, schema_ids)
    await introduce_agencies(settings)
    return settings


def encode(subject: str, agency: str = "bp3mi-ntt") -> tuple[str, ...]:
    about = ("--subject", subject, "--agency", agency, "--data", CONTACT)
    return ("encode", "ContactLogged", *about, "--occurred-at", "2025-05-08T10:00:00+07:00")


async def send(settings: Settings, record: EncodedRecord) -> None:
    """Send a record as any client would that knows nothing of the ledger."""
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        headers = list(record.headers.items())
        await producer.send_and_wait(
            record.topic, record.value, record.key, record.partition, headers=headers
        )


async def demand_signed_contact(settings: Settings, subject: str) -> None:
    log = await read_log(settings)
    (recorded,) = log.on_subject(subject)
    assert log.rejected == []
    assert recorded.signature == "VALID"
    assert recorded.event.data["summary"] == "Ditelepon: \"besok\" 'lusa'"


@pytest.fixture
def kcat(tmp_path: Path) -> str:
    """A PATH with kcat on it; where this machine has none, with what stands in for it."""
    path = os.environ["PATH"]
    if shutil.which("kcat"):
        return path
    program = tmp_path / "kcat"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.fixtures.kcat_stand_in "$@"\n'
    )
    program.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{path}"


async def test_the_json_form_is_a_record_that_any_client_can_send(ledger: Settings) -> None:
    ended = await runut(ledger, *encode("case/JSON"), "--json")
    assert (ended.code, ended.err) == (0, "")
    await send(ledger, record_of(ended.out.encode()))
    await demand_signed_contact(ledger, "case/JSON")


async def test_the_script_has_kcat_send_the_record_to_its_partition(
    ledger: Settings, kcat: str
) -> None:
    ended = await runut(ledger, *encode("case/KCAT"), "--format", "kcat")
    assert (ended.code, ended.err) == (0, "")
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-s", "--", "-b", str(ledger.kafka_bootstrap)),
        env={**os.environ, "PATH": kcat, "LC_ALL": "C.UTF-8"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await shell.communicate(ended.out.encode())
    assert shell.returncode == 0, out.decode()
    await demand_signed_contact(ledger, "case/KCAT")


async def test_people_see_the_same_parts(ledger: Settings) -> None:
    ended = await runut(ledger, *encode("case/NTT-2025-0811"))
    shown = dict(line.split(maxsplit=1) for line in ended.out.splitlines() if " " in line)
    assert shown["topic"] == ledger.events_topic
    assert shown["key"] == "Y2FzZS9OVFQtMjAyNS0wODEx"
    assert shown["ce_subject"] == shown["key"]
    assert "runut-signature" in shown


async def test_an_agency_without_a_key_here_is_named(ledger: Settings) -> None:
    ended = await runut(ledger, *encode("case/X", "nobody"))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("runut: no signing key for agency nobody in ")


async def test_only_events_of_agencies_are_encoded(ledger: Settings) -> None:
    about = ("--subject", "ledger/runut", "--agency", "runut")
    data = json.dumps({"schema_id": 1, "name": "X", "sha256": "0" * 64})
    ended = await runut(ledger, "encode", "SchemaRegistered", *about, "--data", data)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "runut: type: expected an event of an agency, found SchemaRegistered\n"
