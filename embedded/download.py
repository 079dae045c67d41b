"""Fetch locked artifacts by their Maven coordinates into the cache, several at a time.

Nothing enters the cache before its SHA-256 was checked, and everything enters it by a rename; one
process writes at a time, and begins by removing what a killed one left half done. jgo, which is
pure Python, finds the artifacts: no address is written here.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver

from embedded.artifacts import Artifact, missing, sha256
from embedded.progress import Advance, Show
from runut.errors import PlatformError, shorten

TRIES: Final = 4
PARALLEL: Final = 6
TIMEOUT_S: Final = 30
STOPPED: Final = "fetching was stopped"


def download(
    cache: Path,
    jars: Sequence[Artifact],
    program: tuple[Artifact, Path] | None,
    show: Show,
    stop: threading.Event,
) -> None:
    """Bring jars into the cache, and unpack an archived program into its directory.

    Blocks; `stop` ends it soon, from another thread.

    Raises:
        PlatformError: an artifact could not be fetched, or is not the one that was locked.
    """
    with _only_writer(cache, stop) as scratch:
        wanted = [*jars, *([program[0]] if program and not program[1].is_dir() else [])]
        lacking = missing(wanted, cache)  # another process may have fetched them meanwhile
        total = sum(artifact.size for artifact in lacking)
        with show.fetching("Fetching Kafka and registry", total) as advance:
            fetch = partial(_fetch, cache, scratch, advance, stop)
            with ThreadPoolExecutor(PARALLEL) as pool:
                try:
                    list(pool.map(fetch, sorted(lacking, key=lambda each: -each.size)))
                except BaseException:
                    stop.set()
                    raise
        if program and not program[1].is_dir():
            show.note("Unpacking the registry")
            _unpack(program[0].place(cache), scratch / "unpacked", program[1])


@contextmanager
def _only_writer(cache: Path, stop: threading.Event) -> Iterator[Path]:
    """Hold the cache; yields an empty scratch directory on its file system."""
    cache.mkdir(parents=True, exist_ok=True)
    scratch = cache / "scratch"
    with (cache / "writer.lock").open("w") as lock:
        while not _locked(lock.fileno()):
            if stop.wait(0.2):
                raise PlatformError(STOPPED)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fetch(
    cache: Path, scratch: Path, advance: Advance, stop: threading.Event, artifact: Artifact
) -> None:
    """Fetch one artifact with bounded repeats; only a file with the locked hash is kept."""
    found = ""
    for attempt in range(TRIES):
        if stop.wait(0.5 * (2**attempt - 1)):
            raise PlatformError(STOPPED)
        with tempfile.TemporaryDirectory(dir=scratch) as once:
            try:
                path = _resolve(artifact, Path(once), advance, stop)
            except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
                found = shorten(str(error), 300)
                continue
            found = f"SHA-256 {sha256(path)}"
            if found == f"SHA-256 {artifact.sha256}":
                place = artifact.place(cache)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
                return
            advance(-path.stat().st_size)
    raise PlatformError(
        f"{artifact.filename}: expected a file with SHA-256 {artifact.sha256}, "
        f"found {found} at the last of {TRIES} tries; look at the network and try again"
    )


def _resolve(artifact: Artifact, into: Path, advance: Advance, stop: threading.Event) -> Path:
    """Let jgo fetch one artifact into an empty directory, counting its bytes."""
    counted = 0

    def count(size: int) -> None:
        nonlocal counted
        if stop.is_set():
            raise OSError(STOPPED)
        counted += size
        advance(size)

    @contextmanager
    def counting(_filename: str, _size: int) -> Iterator[Advance]:
        try:
            yield count
        except BaseException:
            advance(-counted)
            raise

    context = maven(into, PythonResolver(progress_callback=counting))
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    path: Path = component.artifact(artifact.classifier, artifact.packaging).resolve()
    return path


def maven(repo_cache: Path, resolver: PythonResolver | None = None) -> Any:
    """A jgo context that also looks where the user's jgo configuration says."""
    chosen = GlobalSettings.load().repositories
    remotes = {**MavenContext().remote_repos, **chosen} if chosen else None
    return MavenContext(
        resolver=resolver, repo_cache=repo_cache, remote_repos=remotes, timeout=TIMEOUT_S
    )


def _unpack(archive: Path, beside: Path, home: Path) -> None:
    """Unpack beside and rename, then drop the archive: what is kept is what runs."""
    with tarfile.open(archive) as tar:
        # Python's safe filter where this version has it; the archive's hash was checked.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        tar.extractall(beside)  # noqa: S202 - locked by hash
    beside.rename(home)
    archive.unlink()
