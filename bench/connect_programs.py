"""Kafka Connect and its plugins: Java programs by `connect.lock`, in the platform's cache."""

from __future__ import annotations

import asyncio
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from embedded.artifacts import Artifact, cache_dir, fetch_programs, missing, read_lock
from embedded.progress import Show

LOCK_FILE: Final = Path(__file__).with_name("connect.lock")


class Lock(msgspec.Struct, frozen=True):
    """What `connect.lock` pins."""

    versions: dict[str, str]
    plugin: Artifact
    """The Debezium JDBC sink with all it needs, as an archive."""
    runtime: tuple[Artifact, ...]
    converter: tuple[Artifact, ...]


class Programs(NamedTuple):
    """Where they are."""

    jars: tuple[Path, ...]
    """Connect's class path."""
    converter: tuple[Path, ...]
    plugin: Path
    """Directory of the unpacked sink."""
    versions: dict[str, str]


def read_connect_lock() -> Lock:
    """The pinned files."""
    return msgspec.convert(tomllib.loads(LOCK_FILE.read_text()), Lock)


async def connect_programs() -> Programs:
    """All of them, fetched where the cache lacks them.

    Raises:
        PlatformError: one could not be fetched, or is not what was locked.
    """
    lock, cache = read_connect_lock(), cache_dir()
    home = cache / f"{lock.plugin.name}-{lock.plugin.version}-{lock.plugin.sha256[:12]}"
    jars = (*lock.runtime, *lock.converter)
    if not home.is_dir() or missing(jars, cache):
        await asyncio.to_thread(_download, cache, jars, lock.plugin, home)
    # Connect logs through the backend that Kafka has.
    kafka = await fetch_programs(read_lock(), cache, Show(quiet=True), registry=False)
    backend = [jar for jar in kafka.jars if jar.name.startswith("log4j-")]
    runtime = (*(one.place(cache) for one in lock.runtime), *backend)
    converter = tuple(one.place(cache) for one in lock.converter)
    return Programs(runtime, converter, home / lock.plugin.name, lock.versions)


def _download(cache: Path, jars: Sequence[Artifact], plugin: Artifact, home: Path) -> None:
    from embedded.download import download

    download(cache, jars, (plugin, home), Show(quiet=True), threading.Event())
