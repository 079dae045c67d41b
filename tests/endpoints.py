"""What notices are sent to: a real HTTP server and a real SMTP server, on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, Envelope, Session


class Received(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def notice(self) -> Any:
        """The CloudEvent."""
        return json.loads(self.body)


class WebhookServer(ThreadingHTTPServer):
    """Answers `status` to every request, unless it is told to keep them waiting."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.received: list[Received] = []
        self.open = threading.Event()
        self.open.set()
        self.busiest = 0
        """How many requests there were at the same time."""
        self._busy = 0
        self._counting = threading.Lock()

    @property
    def url(self) -> str:
        """Where notices are to be posted."""
        return f"http://127.0.0.1:{self.server_port}/notices"

    def ids(self) -> list[str]:
        """Of the notices in the order in which they came."""
        return [one.headers["webhook-id"] for one in list(self.received)]

    def take(self, received: Received) -> int:
        """Note a request, keep it waiting while the server is closed; gives the status."""
        with self._counting:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            self.received.append(received)
        self.open.wait()
        with self._counting:
            self._busy -= 1
        return self.status


class _Handler(BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.take(Received(self.path, headers, body))
        try:
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()
        except OSError:  # whoever asked waits no more
            return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""


@contextmanager
def webhook_server() -> Iterator[WebhookServer]:
    """A server for as long as the block runs."""
    with WebhookServer() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server
        finally:
            server.open.set()
            server.shutdown()
            serving.join()


class Mailbox:
    """Keeps what an SMTP server takes; refuses mail for `full@…`."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient."""
        if address.startswith("full@"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a letter."""
        assert isinstance(envelope.content, bytes)
        self.letters.append(message_from_bytes(envelope.content, EmailMessage, policy=default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@asynccontextmanager
async def smtp_server(mailbox: Mailbox) -> AsyncIterator[str]:
    """An SMTP server without TLS for as long as the block runs; gives `host:port`."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
