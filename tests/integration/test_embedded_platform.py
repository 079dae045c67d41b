"""The real Kafka, registry and PostgreSQL on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from embedded.platform import Endpoints, Platform, down
from embedded.processes import Process, gone, part_files, recall
from embedded.progress import Show
from runut.errors import PlatformError, Unreachable
from runut.settings import PLATFORM_FILE, Settings, load_settings

SCHEMA = {"type": "record", "name": "Kept", "fields": []}
LISTENING = "0A"
LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F")
"""127.0.0.1 as /proc/net/tcp writes it, and mapped into IPv6 as /proc/net/tcp6 does."""


async def leave_traces(endpoints: Endpoints) -> None:
    """A record, a schema and a row."""
    admin = AIOKafkaAdminClient(bootstrap_servers=endpoints.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=endpoints.kafka_bootstrap, acks="all")
    async with producer:
        await producer.send_and_wait("kept", b"a record")
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{endpoints.registry_url}/subjects/kept/versions"
        (await client.post(url, json={"schema": json.dumps(SCHEMA)})).raise_for_status()
    async with await psycopg.AsyncConnection.connect(endpoints.postgres_url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 'a row' AS what")


async def find_traces(endpoints: Endpoints) -> tuple[bytes, dict[str, object], str]:
    """The record, the schema and the row."""
    consumer = AIOKafkaConsumer(bootstrap_servers=endpoints.kafka_bootstrap)
    async with consumer:
        consumer.assign([TopicPartition("kept", 0)])
        await consumer.seek_to_beginning()
        record = await asyncio.wait_for(consumer.getone(), 20)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{endpoints.registry_url}/subjects/kept/versions/latest")
    async with await psycopg.AsyncConnection.connect(endpoints.postgres_url) as connection:
        row = await (await connection.execute("SELECT what FROM kept")).fetchone()
    assert row
    return record.value, json.loads(answer.json()["schema"]), row[0]


@asynccontextmanager
async def held(data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own that runs the platform of a directory; killed at the end."""
    program = [sys.executable, "-m", "tests.fixtures.hold_platform", str(data)]
    holder = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout
        assert await asyncio.wait_for(holder.stdout.readline(), 250) == b"ready\n"
        yield holder
    finally:
        if holder.returncode is None:
            holder.kill()
            await holder.wait()


def leave_half_a_first_start(data: Path) -> None:
    """What is there when a first start was killed while it made the parts' directories."""
    for half in (data / "postgres/making/PG_VERSION", data / "kafka/1/formatting/meta.properties"):
        half.parent.mkdir(parents=True)
        half.write_text("half")


def read_endpoints(data: Path) -> Endpoints:
    found = json.loads((data / PLATFORM_FILE).read_text())
    return Endpoints(**{name: found[name] for name in Endpoints.__struct_fields__})


def parts_of(data: Path) -> dict[str, Process]:
    return {path.stem: part for path in part_files(data / "run") if (part := recall(path))}


async def all_gone(processes: Iterable[Process]) -> bool:
    return all([await gone(process, 30) for process in processes])


async def test_data_survives_a_killed_supervisor_and_a_dead_part_stops_everything(
    tmp_path: Path,
) -> None:
    leave_half_a_first_start(tmp_path)
    async with held(tmp_path):
        killed = parts_of(tmp_path)
        assert sorted(killed) == ["kafka", "postgres", "registry"]
        await leave_traces(read_endpoints(tmp_path))

    async with held(tmp_path) as holder:
        assert await all_gone(killed.values())
        parts = parts_of(tmp_path)
        assert await find_traces(read_endpoints(tmp_path)) == (b"a record", SCHEMA, "a row")
        with pytest.raises(PlatformError, match=f"expected no other `runut up` .* {holder.pid};"):
            await Platform(Settings(data=tmp_path)).__aenter__()

        os.kill(parts["registry"].pid, signal.SIGKILL)
        assert await asyncio.wait_for(holder.wait(), 60) == 1
    assert await all_gone(parts.values())
    assert not (tmp_path / PLATFORM_FILE).exists()
    assert part_files(tmp_path / "run") == []
    assert await down(tmp_path) is False


async def test_a_data_directory_says_where_its_platform_answers(
    platform: Endpoints, platform_data: Path
) -> None:
    found = load_settings(platform_data)
    assert found.kafka_bootstrap == platform.kafka_bootstrap
    assert found.registry_url == platform.registry_url
    assert found.postgres_url == platform.postgres_url
    document = json.loads((platform_data / PLATFORM_FILE).read_text())
    assert set(document["pids"]) == {"supervisor", "kafka", "postgres", "registry"}
    assert set(document["versions"]) == {"kafka", "registry", "postgres", "java"}


async def test_the_file_that_holds_the_database_password_is_its_owners_alone(
    platform: Endpoints, platform_data: Path
) -> None:
    assert (platform_data / PLATFORM_FILE).stat().st_mode & 0o777 == 0o600


async def test_only_the_loopback_address_is_bound(platform: Endpoints, platform_data: Path) -> None:
    for name, part in parts_of(platform_data).items():
        addresses = listening(part.pid)
        assert addresses, name
        assert addresses <= set(LOOPBACK), name


def listening(pid: int) -> set[str]:
    """Addresses that a process listens on, as the kernel writes them."""
    files = [link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {name.removeprefix("socket:[").rstrip("]") for name in files if "socket:" in name}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {
        line[1].partition(":")[0] for line in lines if line[3] == LISTENING and line[9] in sockets
    }


async def test_topics_are_not_made_by_asking_for_them(platform: Endpoints) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.kafka_bootstrap)
    await admin.start()
    try:
        await admin.describe_topics(["never-made"])
        assert "never-made" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_the_database_asks_for_the_password(platform: Endpoints) -> None:
    wrong = platform.postgres_url.replace("runut:", "runut:not-", 1)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(wrong)


async def test_the_platforms_role_may_make_roles_and_schemas_but_is_no_superuser(
    platform: Endpoints,
) -> None:
    async with await psycopg.AsyncConnection.connect(platform.postgres_url) as connection:
        role = await connection.execute(
            "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        assert await role.fetchone() == (False, True)
        await connection.execute("CREATE SCHEMA tried")
        await connection.rollback()


async def test_the_registry_keeps_its_schemas_in_postgresql(platform: Endpoints) -> None:
    async with await psycopg.AsyncConnection.connect(platform.postgres_url) as connection:
        found = await connection.execute(
            "SELECT FROM information_schema.tables"
            " WHERE table_schema = 'registry' AND table_name = 'versions'"
        )
        assert found.rowcount == 1


async def test_services_that_settings_name_are_used_and_not_started(
    platform: Endpoints, tmp_path: Path
) -> None:
    async with Platform(external(platform, tmp_path), show=Show(quiet=True)) as borrowed:
        found = await borrowed.start()
        assert borrowed.pids == {}
    assert found.kafka_bootstrap == platform.kafka_bootstrap
    assert found.registry_url == platform.registry_url
    assert found.postgres_url == platform.postgres_url


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        ("kafka_bootstrap", "127.0.0.1:1", "^Kafka does not answer at 127.0.0.1:1 .*_BOOTSTRAP"),
        ("registry_url", "http://127.0.0.1:1/x", "^Schema registry does not .*RUNUT_REGISTRY_URL"),
        ("postgres_url", "postgresql://127.0.0.1:1/x", "^PostgreSQL does not .*RUNUT_POSTGRES_URL"),
    ],
)
async def test_a_named_service_that_does_not_answer_is_one_sentence_with_its_variable(
    name: str, address: str, said: str, platform: Endpoints, tmp_path: Path
) -> None:
    settings = external(platform, tmp_path).model_copy(update={name: address})
    async with Platform(settings, show=Show(quiet=True)) as borrowed:
        with pytest.raises(Unreachable, match=said):
            await borrowed.start()


def external(platform: Endpoints, data: Path) -> Settings:
    return Settings(
        data=data,
        kafka_bootstrap=platform.kafka_bootstrap,
        registry_url=platform.registry_url,
        postgres_url=platform.postgres_url,
    )
