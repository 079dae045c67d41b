"""Make bench/connect.lock: Kafka Connect with the Debezium JDBC sink, each file with its SHA-256.

Only the benchmark runs these (bench/connect.py). Run `python tools/lock_connect.py` to move to
other versions; it resolves by Maven coordinates, which takes minutes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from lock_artifacts import KAFKA, table

from embedded.download import PARALLEL, maven

LOCK_FILE: Final = Path(__file__).parents[1] / "bench" / "connect.lock"
DEBEZIUM: Final = "3.3.1.Final"
# 3.0.9 lacks its parent; this one still reads 4-byte ids and asks the registry's older API.
CONVERTER: Final = "2.6.13.Final"
ROOTS: Final = {
    "runtime": f"org.apache.kafka:connect-runtime:{KAFKA}",
    "converter": f"io.apicurio:apicurio-registry-utils-converter:{CONVERTER}",
}
# What Connect gives its plugins itself, or what reads JSON schemas.
LEFT_OUT: Final = {
    "runtime": (),
    "converter": ("connect-", "kafka-clients", "slf4j-api", "zstd-", "lz4-", "snappy-", "json-"),
}


def main(repo: str | None = None) -> None:
    """Resolve, fetch, hash, write."""
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(PARALLEL) as pool:
        context = maven(Path(repo or scratch))
        debezium = context.project("io.debezium", "debezium-connector-jdbc").at_version(DEBEZIUM)
        plugin = debezium.artifact(classifier="plugin", packaging="tar.gz")
        parts = [
            "# Made by tools/lock_connect.py; read by bench/connect_programs.py.",
            f'[versions]\nconnect = "{KAFKA}"\ndebezium = "{DEBEZIUM}"\nconverter = "{CONVERTER}"',
            "[plugin]\n" + table(plugin),
        ]
        for name, root in ROOTS.items():
            jars = [one for one in _jars(context, root) if _is_wanted(name, one)]
            parts += [f"[[{name}]]\n{one}" for one in pool.map(table, jars)]
    LOCK_FILE.write_text("\n\n".join(parts) + "\n")


def _jars(context: Any, root: str) -> Iterable[Any]:
    inputs, below = context.resolver.resolve([context.create_dependency(root)])
    found = {f"{one.groupId}:{one.artifactId}": one.artifact for one in inputs + below}
    return [found[name] for name in sorted(found)]


def _is_wanted(name: str, artifact: Any) -> bool:
    return not artifact.artifactId.startswith(LEFT_OUT[name])


if __name__ == "__main__":
    main(*sys.argv[1:2])
