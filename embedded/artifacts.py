"""What `artifacts.lock` pins, and the cache that keeps it.

A Kafka jar counts as present only if its SHA-256 is the locked one, on every start; the registry
is kept unpacked. Refuses what the lock does not name. Fetching is `embedded.download`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import msgspec

from embedded.progress import Show
from runut.errors import PlatformError

LOCK_FILE: Final = Path(__file__).with_name("artifacts.lock")


class Artifact(msgspec.Struct, frozen=True):
    """One locked file: its Maven coordinates, SHA-256 (hex) and size in bytes."""

    group: str
    name: str
    version: str
    sha256: str
    size: int
    classifier: str = ""
    packaging: str = "jar"

    @property
    def filename(self) -> str:
        """As Maven names it, such as `kafka_2.13-4.3.1.jar`."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"

    def place(self, cache: Path) -> Path:
        """Where it is kept, laid out as in a Maven repository."""
        return (
            cache
            / "maven"
            / Path(*self.group.split("."))
            / self.name
            / self.version
            / (self.filename)
        )


class Lock(msgspec.Struct, frozen=True):
    """What `artifacts.lock` pins."""

    versions: dict[str, str]
    """Of the parts, as shown to people: kafka, registry, postgres, java."""
    wheels: dict[str, str]
    """Distributions that bring Java and PostgreSQL; pip holds their hashes."""
    kafka: tuple[Artifact, ...]
    registry: Artifact


class Programs(msgspec.Struct, frozen=True):
    """Where the fetched programs are."""

    jars: tuple[Path, ...]
    """Kafka's class path."""
    registry: Path
    """Directory of the unpacked registry."""


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """The pinned artifacts."""
    return msgspec.convert(tomllib.loads(path.read_text()), Lock)


def cache_dir() -> Path:
    """`RUNUT_CACHE`, or `runut` in the user's XDG cache directory."""
    if given := os.environ.get("RUNUT_CACHE"):
        return Path(given).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "runut"


def unexpected_wheels(lock: Lock) -> list[str]:
    """A sentence for each installed wheel whose version is not the one that was locked.

    Raises:
        PlatformError: one is not installed at all.
    """
    try:
        found = {name: version(name) for name in lock.wheels}
    except PackageNotFoundError as error:
        raise PlatformError(
            f"{error.name}: expected it to be installed, to run the platform on this machine, "
            "found it missing; install it with: pip install 'runut[platform]'"
        ) from None
    return [
        f"{name} {found[name]} is installed; this release was tried with {wanted}"
        for name, wanted in lock.wheels.items()
        if found[name] != wanted
    ]


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing(artifacts: Sequence[Artifact], cache: Path) -> list[Artifact]:
    """Those that the cache lacks; what it holds under their names but differs is removed."""
    lacking = []
    for artifact in artifacts:
        place = artifact.place(cache)
        if place.is_file() and sha256(place) == artifact.sha256:
            continue
        place.unlink(missing_ok=True)
        lacking.append(artifact)
    return lacking


async def fetch_programs(
    lock: Lock, cache: Path, show: Show, *, kafka: bool = True, registry: bool = True
) -> Programs:
    """The programs that are wanted, fetched and unpacked where the cache lacks them.

    Raises:
        PlatformError: an artifact could not be fetched, or is not the one that was locked.
    """
    archive = lock.registry
    home = cache / f"{archive.name}-{archive.version}-{archive.sha256[:12]}"
    jars = lock.kafka if kafka else ()
    unpacked = not registry or home.is_dir()
    if not unpacked or missing(jars, cache):
        # Only here: what it imports takes longer than all else of a usual start.
        from embedded.download import download

        stop = threading.Event()
        try:
            await asyncio.to_thread(
                download, cache, jars, None if unpacked else (archive, home), show, stop
            )
        finally:
            stop.set()
    return Programs(tuple(jar.place(cache) for jar in lock.kafka), home)
