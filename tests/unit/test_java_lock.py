"""What the tests run of the Java example is what its pom.xml names."""

from __future__ import annotations

from embedded.artifacts import read_lock
from tests.java import read_java_lock
from tools.lock_java_example import dependencies


def test_the_example_is_tested_with_the_versions_that_it_names() -> None:
    locked = {f"{one.group}:{one.name}:{one.version}" for one in read_java_lock().example}
    assert dependencies()
    assert set(dependencies()) <= locked, "run: python -m tools.lock_java_example"


def test_its_client_and_the_tools_are_of_the_embedded_kafkas_version() -> None:
    kafka = read_lock().versions["kafka"]
    lock = read_java_lock()
    (client,) = [one for one in lock.example if one.name == "kafka-clients"]
    (tools,) = lock.tools
    assert (client.version, tools.version) == (kafka, kafka)
