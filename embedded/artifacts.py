"""Fetch the Java artifacts that `artifacts.lock` pins, and keep them in a cache.

Owns the cache: nothing enters it before its SHA-256 was checked, everything enters it by a
rename, and a Kafka jar is checked again on every start. Refuses what the lock does not name.
Artifacts are found by their Maven coordinates through jgo, which is pure Python.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tarfile
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from embedded.progress import Advance, Show
from runut.errors import PlatformError, shorten

LOCK_FILE: Final = Path(__file__).with_name("artifacts.lock")
CENTRAL: Final = "central"
TRIES: Final = 4
PARALLEL: Final = 6
TIMEOUT_S: Final = 30


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
    """A sentence for each installed wheel whose version is not the one that was locked."""
    found = {name: version(name) for name in lock.wheels}
    return [
        f"{name} {found[name]} is installed; this release was tried with {wanted}"
        for name, wanted in lock.wheels.items()
        if found[name] != wanted
    ]


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def fetch_programs(
    lock: Lock, cache: Path, show: Show, *, kafka: bool = True, registry: bool = True
) -> Programs:
    """The programs that are wanted, fetched and unpacked where the cache lacks them.

    Raises:
        PlatformError: an artifact could not be fetched, or is not the one that was locked.
    """
    archive = lock.registry
    home = cache / f"{archive.name}-{archive.version}-{archive.sha256[:12]}"
    unpack = registry and not home.is_dir()
    wanted = [*(lock.kafka if kafka else ()), *([archive] if unpack else ())]
    stop = threading.Event()
    try:
        await asyncio.to_thread(_fetch_missing, wanted, cache, show, stop)
        if unpack:
            await asyncio.to_thread(_unpack, archive.place(cache), home)
    finally:
        stop.set()
    return Programs(tuple(jar.place(cache) for jar in lock.kafka), home)


def _fetch_missing(
    artifacts: Sequence[Artifact], cache: Path, show: Show, stop: threading.Event
) -> None:
    """Bring every artifact that lacks or is broken into the cache."""
    if not _missing(artifacts, cache):
        return
    with _only_writer(cache, stop) as scratch:
        missing = _missing(artifacts, cache)  # another process may have fetched them meanwhile
        total = sum(artifact.size for artifact in missing)
        with (
            show.fetching("Fetching Kafka and registry", total) as advance,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            fetch = partial(_fetch_one, cache, scratch, advance, stop)
            list(pool.map(fetch, sorted(missing, key=lambda each: -each.size)))


def _missing(artifacts: Sequence[Artifact], cache: Path) -> list[Artifact]:
    missing = []
    for artifact in artifacts:
        place = artifact.place(cache)
        if place.is_file() and sha256(place) == artifact.sha256:
            continue
        place.unlink(missing_ok=True)
        missing.append(artifact)
    return missing


@contextmanager
def _only_writer(cache: Path, stop: threading.Event) -> Iterator[Path]:
    """Hold the cache's lock; yields an empty scratch directory on the cache's file system."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "writer.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop.wait(0.2):
                    raise PlatformError("fetching was stopped") from None
        scratch = cache / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _fetch_one(
    cache: Path, scratch: Path, advance: Advance, stop: threading.Event, artifact: Artifact
) -> None:
    """Fetch one artifact with bounded repeats; only a file with the locked hash is kept."""
    found = ""
    for attempt in range(TRIES):
        if stop.wait(0.5 * (2**attempt - 1)):
            raise PlatformError("fetching was stopped")
        with tempfile.TemporaryDirectory(dir=scratch) as once:
            try:
                path = _download(artifact, Path(once), advance, stop)
            except (requests.RequestException, RuntimeError, OSError) as error:
                found = shorten(str(error), 300)
                continue
            found = f"SHA-256 {sha256(path)}"
            if found == f"SHA-256 {artifact.sha256}":
                place = artifact.place(cache)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
                return
    raise PlatformError(
        f"{artifact.filename}: expected a download with SHA-256 {artifact.sha256}, "
        f"found {found} at the last of {TRIES} tries; look at the network and try again"
    )


def _download(artifact: Artifact, into: Path, advance: Advance, stop: threading.Event) -> Path:
    @contextmanager
    def counting(_filename: str, _size: int) -> Iterator[Advance]:
        def count(size: int) -> None:
            if stop.is_set():
                raise OSError("stopped")
            advance(size)

        yield count

    context = maven(into, PythonResolver(progress_callback=counting))
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    path: Path = component.artifact(artifact.classifier, artifact.packaging).resolve()
    return path


def maven(repo_cache: Path, resolver: PythonResolver | None = None) -> Any:
    """A jgo context over the user's own repositories (jgo's configuration), else jgo's default."""
    chosen = GlobalSettings.load().repositories
    remotes = {**MavenContext().remote_repos, **chosen} if chosen else None
    return MavenContext(
        resolver=resolver, repo_cache=repo_cache, remote_repos=remotes, timeout=TIMEOUT_S
    )


def _unpack(archive: Path, home: Path) -> None:
    """Unpack beside and rename, then drop the archive: what is kept is what runs."""
    beside = Path(tempfile.mkdtemp(prefix="unpacking-", dir=home.parent))
    try:
        with tarfile.open(archive) as tar:
            # Python's safe filter where this version has it; the archive's hash was checked.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            tar.extractall(beside)  # noqa: S202 - locked by hash
        beside.rename(home)
    except OSError:
        if not home.is_dir():  # not merely another process that was first
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    archive.unlink(missing_ok=True)
