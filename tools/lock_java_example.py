"""Make tests/java.lock: what the Java example needs, a compiler for it, and Kafka's own tools.

Run it after a change of docs/examples/java/pom.xml or of Kafka's version. Machines that test have
neither Maven nor a JDK: tests/java.py fetches these, and runs them on the platform's Java.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from embedded.download import maven
from tools.lock_artifacts import KAFKA, table

ROOT = Path(__file__).resolve().parents[1]
POM = ROOT / "docs" / "examples" / "java" / "pom.xml"
LOCK_FILE = ROOT / "tests" / "java.lock"
COMPILER = "org.eclipse.jdt:ecj:3.44.0"
TOOLS = f"org.apache.kafka:kafka-tools:{KAFKA}"


def main() -> None:
    """Resolve, fetch, hash, write."""
    with tempfile.TemporaryDirectory() as repo:
        context = maven(Path(repo))
        parts = ["# Made by tools/lock_java_example.py; read by tests/java.py."]
        for name, artifacts in (
            ("compiler", [context.create_dependency(COMPILER).artifact]),
            ("tools", [context.create_dependency(TOOLS).artifact]),
            ("example", resolved(context, dependencies())),
        ):
            parts += [f"[[{name}]]\n{table(artifact)}" for artifact in artifacts]
    LOCK_FILE.write_text("\n\n".join(parts) + "\n")
    print(f"{LOCK_FILE}: {len(parts) - 1} artifacts")


def dependencies(pom: Path = POM) -> list[str]:
    """GROUP:ARTIFACT:VERSION of each dependency that the example names."""
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    return [
        ":".join(
            one.findtext(f"m:{tag}", "", space) for tag in ("groupId", "artifactId", "version")
        )
        for one in ET.parse(pom).iterfind("m:dependencies/m:dependency", space)  # noqa: S314 - ours
    ]


def resolved(context: Any, roots: Iterable[str]) -> list[Any]:
    """These artifacts and all below; of several versions that of the first root, as Maven does."""
    jars: dict[str, Any] = {}
    for root in roots:
        inputs, below = context.resolver.resolve([context.create_dependency(root)])
        for found in inputs + below:
            jars.setdefault(f"{found.groupId}:{found.artifactId}", found.artifact)
    return [jars[name] for name in sorted(jars)]


if __name__ == "__main__":
    main()
