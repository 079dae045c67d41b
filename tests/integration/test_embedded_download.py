"""Fetching locked artifacts from a repository that breaks off, lies, or is not there.

The repository is a server on this machine, named in a jgo configuration file.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from embedded import download
from embedded.artifacts import Artifact, Lock, fetch_programs, sha256
from embedded.progress import Show
from runut.errors import PlatformError

CONTENT = b"a program" * 10_000
JAR = Artifact("org.example", "tool", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
LOCK = Lock(versions={}, wheels={}, kafka=(JAR,), registry=JAR)


class Repository(ThreadingHTTPServer):
    """Serves one file; the first `broken` answers end early, and what is served may be wrong."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.broken = 0
        self.content = CONTENT
        self.asked = 0


class Answer(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        if not self.path.endswith("/org/example/tool/1.0/tool-1.0.jar"):
            self.send_error(404)
            return
        self.server.asked += 1
        whole = self.server.asked > self.server.broken
        content = self.server.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if whole else content[:1000])

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    with Repository() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        config = tmp_path / "jgo.conf"
        config.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()
        serving.join()


async def fetch(cache: Path) -> Path:
    programs = await fetch_programs(LOCK, cache, Show(quiet=True), registry=False)
    return programs.jars[0]


async def test_a_download_that_breaks_off_is_repeated(
    repository: Repository, tmp_path: Path
) -> None:
    repository.broken = 1
    jar = await fetch(tmp_path / "cache")
    assert jar.read_bytes() == CONTENT
    assert repository.asked == 2


async def test_a_whole_cache_asks_nobody(repository: Repository, tmp_path: Path) -> None:
    await fetch(tmp_path / "cache")
    await fetch(tmp_path / "cache")
    assert repository.asked == 1


async def test_a_file_that_went_bad_in_the_cache_is_fetched_again(
    repository: Repository, tmp_path: Path
) -> None:
    jar = await fetch(tmp_path / "cache")
    jar.write_bytes(CONTENT[:-1] + b"!")
    assert sha256(await fetch(tmp_path / "cache")) == JAR.sha256


async def test_another_file_than_the_locked_one_never_enters_the_cache(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TRIES", 2)
    repository.content = CONTENT.replace(b"program", b"PROGRAM")
    with pytest.raises(PlatformError, match=rf"^tool-1.0.jar: expected .*{JAR.sha256}, found SHA"):
        await fetch(tmp_path / "cache")
    assert repository.asked == 2
    assert not list((tmp_path / "cache").rglob("*.jar"))


async def test_an_artifact_that_is_not_to_be_had_is_named(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TRIES", 1)
    absent = Lock({}, {}, (Artifact("org.example", "absent", "2", "0" * 64, 1),), JAR)
    with pytest.raises(PlatformError, match=r"^absent-2.jar: expected a file"):
        await fetch_programs(absent, tmp_path / "cache", Show(quiet=True), registry=False)


async def test_what_a_killed_download_left_is_removed(
    repository: Repository, tmp_path: Path
) -> None:
    left = tmp_path / "cache" / "scratch" / "half"
    left.mkdir(parents=True)
    await fetch(tmp_path / "cache")
    assert not left.exists()
