"""Apache Kafka in KRaft mode: one or several brokers, each a controller as well, as parts.

Owns DATA/kafka: the cluster's id and number of brokers, and a directory for each broker, which
is formatted once. Only the loopback address is bound. Topics are never made automatically.
"""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from embedded.java import java, plain_environment
from embedded.ports import LOOPBACK, refused
from embedded.supervisor import Part, log_end, run_once
from runut.errors import PlatformError, shorten

HEAP_MB: Final = 512
YOUNG_MB: Final = 24
"""Of the heap, for what requests make. They stand still while it is collected: for 4 to 12 ms then,
every one or two seconds; with 96 MB for 15 to 18, with Java's default of a third of the heap for 25
to 50."""
OWN_PARTITIONS: Final = 4
RESTARTS: Final = 5
LOG_SETTINGS: Final = Path(__file__).with_name("log4j2.properties")
MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of a batch: events are capped far below (stack.md), a batch of them is not."""


class Cluster(msgspec.Struct, frozen=True):
    """What a data directory's Kafka was made as; fixed for its life."""

    cluster_id: str
    brokers: int


def broker_names(brokers: int) -> list[str]:
    """Names of the parts: `kafka`, or `kafka-1` … `kafka-N`."""
    return ["kafka"] if brokers == 1 else [f"kafka-{node}" for node in range(1, brokers + 1)]


def port_names(brokers: int) -> list[str]:
    """Ports that the brokers need, two each: clients' and controllers'."""
    return [name + kind for name in broker_names(brokers) for kind in ("", "-controller")]


def bootstrap(ports: Mapping[str, int], brokers: int) -> str:
    """`host:port[,host:port]` for clients."""
    return ",".join(f"{LOOPBACK}:{ports[name]}" for name in broker_names(brokers))


def open_cluster(home: Path, brokers: int | None) -> Cluster:
    """Read what this directory's cluster is, or decide it on the first start.

    Raises:
        PlatformError: another number of brokers is asked for than the data was made with.
    """
    path = home / "cluster.json"
    if path.exists():
        cluster = msgspec.json.decode(path.read_bytes(), type=Cluster)
        if brokers not in (None, cluster.brokers):
            raise PlatformError(
                f"{home}: expected the {cluster.brokers} broker(s) that it was made with, "
                f"found {brokers} asked for; take another data directory"
            )
        return cluster
    home.mkdir(parents=True, exist_ok=True)
    # Kafka's own form of an id: a UUID in unpadded URL-safe base64, not starting with a dash.
    ident = "r" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    cluster = Cluster(ident, brokers or 1)
    beside = home / ".cluster.json"
    beside.write_bytes(msgspec.json.encode(cluster))
    beside.replace(path)
    return cluster


def kafka_parts(
    data: Path, cluster: Cluster, ports: Mapping[str, int], jars: Sequence[Path]
) -> list[Part]:
    """The brokers of a cluster. A lost one of several is started again; a lone one is not."""
    return [
        _Broker(data, cluster, ports, jars, node).part() for node in range(1, cluster.brokers + 1)
    ]


class _Broker:
    """One broker: its directory, its settings, its program."""

    def __init__(
        self,
        data: Path,
        cluster: Cluster,
        ports: Mapping[str, int],
        jars: Sequence[Path],
        node: int,
    ) -> None:
        self._name = broker_names(cluster.brokers)[node - 1]
        self._home = data / "kafka" / str(node)
        self._log = data / "logs" / f"{self._name}.log"
        self._cluster = cluster
        self._ports = ports
        self._node = node
        self._environment = plain_environment(CLASSPATH=":".join(map(str, jars)))
        self._java = [
            *java(HEAP_MB, self._home / "tmp"),
            f"-Xmn{YOUNG_MB}m",
            f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
            # Kafka 4.3 unmaps its index files through a call that Java 25 warns about.
            "--sun-misc-unsafe-memory-access=allow",
        ]

    def part(self) -> Part:
        address = f"{LOOPBACK}:{self._ports[self._name]}"
        return Part(
            name=self._name,
            command=[*self._java, "kafka.Kafka", self._home / "server.properties"],
            env=self._environment,
            cwd=self._home,
            log=self._log,
            prepare=self._prepare,
            ready=partial(broker_answers, address, self._node),
            expects=f"Kafka to answer at {address}",
            restarts=0 if self._cluster.brokers == 1 else RESTARTS,
        )

    async def _prepare(self) -> None:
        shutil.rmtree(self._home / "tmp", ignore_errors=True)
        (self._home / "tmp").mkdir(parents=True)
        logs = self._home / "logs"
        if not logs.exists():
            await self._format(logs)
        self._write_settings(logs)

    def _write_settings(self, logs: Path) -> Path:
        path = self._home / "server.properties"
        path.write_text(properties(self._cluster.brokers, self._node, self._ports, logs.name))
        return path

    async def _format(self, logs: Path) -> None:
        """Format a directory beside its place and rename: half a format is done again."""
        beside = self._home / "formatting"
        shutil.rmtree(beside, ignore_errors=True)
        config = self._write_settings(beside)
        tool = [*self._java, "kafka.tools.StorageTool", "format"]
        log = self._log.with_name(f"{self._name}-format.log")
        code = await run_once(
            [*tool, "--cluster-id", self._cluster.cluster_id, "--config", config],
            log,
            env=self._environment,
            cwd=self._home,
        )
        if code != 0:
            raise PlatformError(
                f"{self._name}: expected to format {logs}, found exit code {code}{log_end(log)}"
            )
        beside.rename(logs)


def properties(brokers: int, node: int, ports: Mapping[str, int], logs: str) -> str:
    """A broker's server.properties; `logs` is a directory below the one it runs in, since this
    file's format takes neither commas nor every letter in a path."""
    settings = {
        **_addresses(brokers, node, ports),
        **_replication(brokers),
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "message.max.bytes": MAX_MESSAGE,
        "replica.fetch.max.bytes": MAX_MESSAGE,
        # A lone worker need not wait for others to join its group.
        "group.initial.rebalance.delay.ms": 0,
        # Sized for one machine; the default buffer alone is a quarter of our heap.
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _addresses(brokers: int, node: int, ports: Mapping[str, int]) -> dict[str, object]:
    names = broker_names(brokers)
    name = names[node - 1]
    voters = [f"{i}@{LOOPBACK}:{ports[f'{n}-controller']}" for i, n in enumerate(names, start=1)]
    clients = f"PLAINTEXT://{LOOPBACK}:{ports[name]}"
    return {
        "process.roles": "broker,controller",
        "node.id": node,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"{clients},CONTROLLER://{LOOPBACK}:{ports[f'{name}-controller']}",
        "advertised.listeners": clients,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }


def _replication(brokers: int) -> dict[str, object]:
    """Replicas as in a cluster of this size; Kafka's own topics have few partitions, since each
    costs files and time at every start."""
    replicas, in_sync = min(3, brokers), 2 if brokers >= 3 else 1
    own: dict[str, object] = {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.num.partitions": OWN_PARTITIONS,
        "offsets.topic.replication.factor": replicas,
    }
    for topic in ("transaction.state.log", "share.coordinator.state.topic"):
        own[f"{topic}.num.partitions"] = OWN_PARTITIONS
        own[f"{topic}.replication.factor"] = replicas
        own[f"{topic}.min.isr"] = in_sync
    return own


async def broker_answers(address: str, node: int) -> str | None:
    """None when the broker lists itself in its metadata, else why not (a part's `ready`)."""
    host, _, port = address.rpartition(":")
    if why := await refused(host, int(port)):
        return why
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await client.bootstrap()
        listed = {broker.nodeId for broker in client.cluster.brokers()}
    except (KafkaError, OSError) as error:
        return shorten(str(error))
    finally:
        await client.close()
    return None if node in listed else f"brokers {sorted(listed)} without {node}"
