"""A Kafka as docs/howto/secure-kafka.md sets it up, on free ports, with the files of deploy/."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from embedded.java import java, plain_environment
from embedded.kafka import LOG_SETTINGS
from embedded.ports import claimed_ports, refused
from embedded.supervisor import Part, Supervisor
from runut.settings import Settings
from tests.builders import ROOT
from tests.certificates import Authority
from tests.java import HEAP_MB, fetch_java

DEPLOY = ROOT / "deploy" / "kafka"
SERVICES = ("runut-ledger", "runut-worker")
LISTENERS = ("CLIENTS", "CONTROLLER", "BROKERS")
FASTER = {"offsets.topic.num.partitions": "4", "num.network.threads": "2", "num.io.threads": "4"}
"""Nothing of these changes who may do what."""


class SecureKafka:
    """One broker in a folder, and Kafka's own tools for it."""

    def __init__(self, home: Path, ports: Mapping[str, int]) -> None:
        self.home = home
        self._ports = ports
        kafka = fetch_java().kafka
        self._environment = plain_environment(CLASSPATH=kafka)
        self._java = [*java(HEAP_MB, home), f"-Dlog4j2.configurationFile={LOG_SETTINGS}"]
        self._java.append("--sun-misc-unsafe-memory-access=allow")
        authority = Authority()
        (home / "ca.pem").write_bytes(authority.pem)
        (home / "another-ca.pem").write_bytes(Authority("another").pem)
        for name in ("kafka-1", "admin"):
            (home / f"{name}.pem").write_bytes(authority.issue(name))
        (home / "server.properties").write_text(_text(self._broker_settings()))
        (home / "admin.properties").write_text(_text(self._admin_settings()))

    @property
    def brokers(self) -> str:
        """Where an administrator shows a certificate."""
        return f"127.0.0.1:{self._ports['BROKERS']}"

    def settings(self, user: str, **more: Any) -> Settings:
        """Settings of one who logs in."""
        given = {
            "kafka_bootstrap": f"127.0.0.1:{self._ports['CLIENTS']}",
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_username": user,
            "kafka_sasl_password": password(user),
            "kafka_cafile": self.home / "ca.pem",
        }
        return Settings(**{**given, **more})

    async def format(self) -> None:
        """Make its data directory, with the passwords of the ledger's own services."""
        users = [f"SCRAM-SHA-512=[name={one},password={password(one)}]" for one in SERVICES]
        added = [option for user in users for option in ("--add-scram", user)]
        place = ("--config", "server.properties", "--cluster-id", "cnVudXQtc2VjdXJlLXRlc3Q")
        await self.tool("kafka.tools.StorageTool", "format", *place, *added)

    async def add_user(self, user: str) -> None:
        """Give one more user a password, as the page says."""
        secret = self.home / f"{user}.scram"
        secret.write_text(f"SCRAM-SHA-512=password={password(user)}\n")
        await self.tool(
            *("kafka.admin.ConfigCommand", "--bootstrap-server", self.brokers),
            *("--command-config", "admin.properties", "--alter", "--entity-type", "users"),
            *("--entity-name", user, "--add-config-file", str(secret)),
        )

    async def grant(self, *agencies: str) -> None:
        """Run the script of grants, with Kafka's jars in place of its scripts."""
        program = self.home / "kafka-acls.sh"
        command = " ".join(map(str, [*self._java, "org.apache.kafka.tools.AclCommand"]))
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
        script = (DEPLOY / "grant.sh", self.brokers, "admin.properties", *agencies)
        await self._run(*script, KAFKA_ACLS=str(program))

    async def tool(self, *arguments: str) -> None:
        """Run one of Kafka's tools; it must end well."""
        await self._run(*self._java, *arguments)

    def part(self) -> Part:
        return Part(
            name="secure-kafka",
            command=[*self._java, "kafka.Kafka", "server.properties"],
            env=self._environment,
            cwd=self.home,
            log=self.home / "kafka.log",
            ready=partial(refused, "127.0.0.1", self._ports["CLIENTS"]),
            expects="Kafka to answer",
        )

    async def _run(self, *command: str | Path, **variables: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.home,
            env={**self._environment, **variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()

    def _broker_settings(self) -> Mapping[str, str]:
        """Those of deploy/, but for names, ports and places."""
        lines = (DEPLOY / "server.properties").read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        addresses = {name: f"{name}://127.0.0.1:{port}" for name, port in self._ports.items()}
        own = {
            "controller.quorum.voters": f"1@127.0.0.1:{self._ports['CONTROLLER']}",
            "listeners": ",".join(addresses.values()),
            "advertised.listeners": f"{addresses['CLIENTS']},{addresses['BROKERS']}",
            "ssl.keystore.location": "kafka-1.pem",
            "ssl.truststore.location": "ca.pem",
            "log.dirs": "data",
        }
        assert own.keys() <= given.keys()
        return {**given, **own, **FASTER}

    def _admin_settings(self) -> Mapping[str, str]:
        return {
            "security.protocol": "SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.home / "admin.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.home / "ca.pem"),
        }


@asynccontextmanager
async def secure_kafka(home: Path, *agencies: str) -> AsyncIterator[SecureKafka]:
    """A running Kafka that knows the ledger's services and these agencies."""
    with claimed_ports(0, LISTENERS, home / "ports.json") as ports:
        kafka = await asyncio.to_thread(SecureKafka, home, ports)
        await kafka.format()
        async with Supervisor(home, lambda _: None) as supervisor:
            await supervisor.start(kafka.part())
            await kafka.grant(*agencies)
            for agency in agencies:
                await kafka.add_user(agency)
            yield kafka


def password(user: str) -> str:
    return f"{user}-secret"


def _text(settings: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
