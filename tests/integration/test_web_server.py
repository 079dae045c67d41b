"""The web server as a process: how it takes requests that are none, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from cli.web_server import listen
from runut.errors import PlatformError
from tests.builders import ROOT

PATIENCE_S = 60


class Web:
    """The process of tests/fixtures/draining_web.py, and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False)

    async def heard(self) -> str:
        """The next line that it says."""
        return (await _line(self.process)).strip()

    async def begin(self, name: str) -> asyncio.Task[httpx.Response]:
        """A request that its route has begun to answer."""
        request = asyncio.create_task(self.client.get(f"/{name}"))
        assert await self.heard() == f"begun {name}"
        return request

    async def refuses(self) -> None:
        """Wait until it takes no more connections."""
        address = urlsplit(self.url)
        while True:
            try:
                _, writer = await asyncio.open_connection(address.hostname, address.port)
            except (ConnectionRefusedError, ConnectionResetError):
                return
            writer.close()

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    async with asyncio.timeout(PATIENCE_S):
        return (await process.stdout.readline()).decode()


@asynccontextmanager
async def serving(drain_s: float = PATIENCE_S, proxies: str = "127.0.0.1") -> AsyncIterator[Web]:
    program = ("-m", "tests.fixtures.draining_web", str(drain_s), proxies)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        web = Web(process, (await _line(process)).strip())
        async with web.client:
            yield web
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture(scope="module")
async def web() -> AsyncIterator[Web]:
    async with serving() as web:
        yield web


@pytest.mark.parametrize(("proxies", "scheme"), [("127.0.0.1", "https"), ("192.0.2.1", "http")])
async def test_a_proxy_that_is_named_may_say_that_it_was_asked_over_https(
    proxies: str, scheme: str
) -> None:
    async with serving(proxies=proxies) as web:
        found = await web.client.get("/scheme", headers={"X-Forwarded-Proto": "https"})
        assert found.json() == scheme


# --- the end -------------------------------------------------------------------------------------


async def test_what_was_begun_is_answered_before_it_ends() -> None:
    async with serving() as web:
        slow, endless = await web.begin("slow"), await web.begin("endless")
        web.process.send_signal(signal.SIGTERM)
        assert (await endless).json() == "ended"
        await web.refuses()
        assert not slow.done()
        web.process.send_signal(signal.SIGUSR1)
        assert (await slow).json() == "done"
        assert await web.heard() == "closed"
        assert await web.ended() == 0


async def test_what_takes_too_long_is_told_to_try_again_and_holds_nothing_up() -> None:
    async with serving(drain_s=0.1) as web:
        slow = await web.begin("slow")
        web.process.send_signal(signal.SIGTERM)
        answer = await slow
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == "application/problem+json"
        assert await web.heard() == "closed"
        assert await web.ended() == 0


async def test_ctrl_c_ends_it_too_and_a_second_signal_at_once() -> None:
    async with serving() as web:
        slow = await web.begin("slow")
        web.process.send_signal(signal.SIGINT)
        await web.refuses()
        web.process.send_signal(signal.SIGTERM)
        assert await web.heard() == "closed"
        assert await web.ended() == 0
        assert (await slow).status_code == 503


# --- what is no request --------------------------------------------------------------------------


async def said(url: str, sent: bytes) -> bytes:
    """All that is answered to some bytes until the connection ends."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    async with asyncio.timeout(PATIENCE_S):
        writer.write(sent)
        answer = await reader.read()
    writer.close()
    return answer


async def test_what_is_no_http_gets_a_problem_and_the_connection_ends(web: Web) -> None:
    for sent in (b"\x16\x03\x01\x02\x00", b"BREW\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"):
        answer = await said(web.url, sent)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in answer
        assert b"connection: close" in answer


async def taken(url: str, start: bytes, limit: int) -> int:
    """How many bytes are taken after a start, until the connection ends or a limit is reached."""
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(start)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < limit:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536
    writer.close()
    return sent


@pytest.mark.parametrize(
    "start",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nX: ",
        b"GET /quick HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nX: ",
    ],
)
async def test_a_head_without_end_is_refused_before_it_fills_the_memory(
    web: Web, start: bytes
) -> None:
    assert await taken(web.url, start, 64 * 1024 * 1024) < 64 * 1024 * 1024


async def test_a_head_of_usual_size_is_no_matter_however_many_follow_each_other(web: Web) -> None:
    for _ in range(5):
        answer = await web.client.get("/quick", headers={"cookie": "x" * 30_000})
        assert answer.json() == "done"


# --- the port ------------------------------------------------------------------------------------


def test_a_taken_port_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PlatformError, match=f"port {port} .*Address already in use; choose"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_here_is_named() -> None:
    with pytest.raises(PlatformError, match=r"192\.0\.2\.1:8080"):
        listen("192.0.2.1", 8080)
