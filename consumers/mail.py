"""Hand notices to an SMTP server.

Owns the letter: plain text in Indonesian, then in English, that says of itself that a machine wrote
it. It is not signed; whoever wants proof asks the ledger.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from projections import notice_words
from projections.notice_endpoints import email_address, is_loopback
from projections.notices import Notice
from projections.wording import LANGS
from runut.directory import Directory, founded
from runut.errors import BadInput, NotDelivered, SettingError, shorten

TIMEOUT_S: Final = 30.0

_EXPECTED: Final = "smtp[s]://[USER:PASSWORD@]HOST[:PORT]?from=ADDRESS"
_FOOT: Final = {
    "id": "Pemberitahuan otomatis dari buku besar {ledger}; jangan dibalas.",
    "en": "Automatic notice from ledger {ledger}; do not reply.",
}


class SmtpServer(NamedTuple):
    """Where e-mail is handed in, and from whom it comes."""

    host: str
    port: int | None
    username: str | None
    password: str | None
    tls: bool
    """TLS from the first byte; otherwise by STARTTLS, where the server offers it."""
    sender: str

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """What RUNUT_SMTP_URL says.

        Raises:
            SettingError: it says something else; the password is not shown.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            [sender] = parse_qs(parts.query)["from"]
            email_address(sender)
        except (ValueError, KeyError, BadInput) as error:
            raise SettingError(f"RUNUT_SMTP_URL: expected {_EXPECTED}, found {error!r}") from None
        if host is None or parts.scheme not in {"smtp", "smtps"}:
            raise SettingError(f"RUNUT_SMTP_URL: expected {_EXPECTED}, found {parts.scheme}://…")
        user, password = parts.username, parts.password
        return cls(
            host,
            port,
            unquote(user) if user else None,
            unquote(password) if password else None,
            parts.scheme == "smtps",
            sender,
        )

    @property
    def start_tls(self) -> bool | None:
        """A password leaves the machine only encrypted; None takes TLS where it is offered."""
        if self.tls:
            return False
        return True if self.password is not None and not is_loopback(self.host) else None


class Mail:
    """Sends through one server, or refuses where none is set."""

    def __init__(self, server: SmtpServer | None) -> None:
        self._server = server

    async def send(self, address: str, notice: Notice, directory: Directory) -> None:
        """Hand a notice in.

        Raises:
            NotDelivered: the server did not take it, or there is none.
        """
        if self._server is None:
            raise NotDelivered("RUNUT_SMTP_URL: expected an SMTP server for the worker, found none")
        message = letter(notice, directory, sender=self._server.sender, to=address)
        await self._hand_in(self._server, message)

    async def _hand_in(self, server: SmtpServer, message: EmailMessage) -> None:
        where: dict[str, Any] = {
            "hostname": server.host,
            "port": server.port,
            "username": server.username,
            "password": server.password,
            "use_tls": server.tls,
            "start_tls": server.start_tls,
            "local_hostname": socket.gethostname(),  # what aiosmtplib would ask name servers for
        }
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await aiosmtplib.send(message, timeout=TIMEOUT_S, **where)
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
            raise NotDelivered(f"SMTP server {server.host}: {shorten(_reason(error))}") from None


def letter(notice: Notice, directory: Directory, *, sender: str, to: str) -> EmailMessage:
    """The e-mail of a notice; the same notice always has the same Message-ID."""
    message = EmailMessage(policy=SMTP)
    titles = [notice_words.title(notice, directory, lang) for lang in LANGS]
    message["Subject"] = f"[Runut] {' / '.join(titles)}"
    message["From"] = sender
    message["To"] = to
    message["Date"] = format_datetime(notice.made_at)
    message["Message-ID"] = f"<{notice.notice_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    ledger = founded(directory.ledger).name
    paragraphs = [
        f"{notice_words.text(notice, directory, lang)}\n\n{_FOOT[lang].format(ledger=ledger)}"
        for lang in LANGS
    ]
    message.set_content("\n\n--\n\n".join(paragraphs) + "\n")
    return message


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
