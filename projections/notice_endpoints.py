"""Where notices go: one endpoint for each agency, a webhook or an e-mail address.

Owns what an address may be. Whom the machine may reach is the matter of its network: a webhook's
address is not resolved here, and a private one is as good as any.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, Final
from urllib.parse import urlsplit

from projections.notice_outbox import EndpointKind, since
from projections.queries import queries
from projections.reading import load_directory
from runut.adapters.postgres import Connection
from runut.errors import BadInput, NotFound
from runut.rfc3339 import format_time

_SQL: Final = queries("notices")


def webhook_address(text: str, *, insecure: bool = False) -> str:
    """A webhook's URL; without TLS only on this machine, or where `insecure` says so.

    Raises:
        BadInput: it is none, or has a user and password in it.
    """
    expected = "https://HOST[:PORT]/…"
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise BadInput("webhook", expected, error) from None
    if not host or url.scheme not in {"http", "https"} or not text.isprintable():
        raise BadInput("webhook", expected, text)
    if url.username is not None:
        raise BadInput("webhook", f"{expected} without user and password", url.scheme + "://…@…")
    if url.scheme == "http" and not insecure and not is_loopback(host):
        raise BadInput("webhook", f"{expected}, or --insecure", text)
    return text


def email_address(text: str) -> str:
    """An e-mail address, without a name before it.

    Raises:
        BadInput: it is none.
    """
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        raise BadInput("e-mail address", "such as notices@example.org", text) from None
    if not address.domain or not text.isascii() or address.addr_spec != text:
        raise BadInput("e-mail address", "such as notices@example.org", text)
    return text


def is_loopback(host: str) -> bool:
    """Whether what is said to a host stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def set_endpoint(
    connection: Connection, agency: str, kind: EndpointKind, address: str, now: datetime
) -> None:
    """Say where an agency's notices go from now on; what failed before is tried there at once.

    Raises:
        NotFound: no agency that gets notices has this code.
    """
    known = (await load_directory(connection)).latest.agency(agency)
    if known is None or known.kind == "SYSTEM":
        raise NotFound(f"agency {agency}", "expected a registered one, found none")
    asked = {"agency": agency, "kind": kind, "address": address, "now": now}
    async with connection.transaction():
        await connection.execute(_SQL["set_endpoint"], asked)
        await connection.execute(_SQL["hurry"], asked)


async def remove_endpoint(connection: Connection, agency: str) -> None:
    """Deliver nothing to an agency any more.

    Raises:
        NotFound: it has no endpoint.
    """
    cursor = await connection.execute(_SQL["remove_endpoint"], {"agency": agency})
    if await cursor.fetchone() is None:
        raise NotFound(f"endpoint of {agency}", "expected one, found none")


async def endpoints(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """All endpoints by agency, with how many notices wait for them and are parked."""
    cursor = await connection.execute(_SQL["endpoints"], since(now))
    names = ("agency", "kind", "address", "set_at", "waiting", "parked")
    rows = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
    return [{**row, "set_at": format_time(row["set_at"])} for row in rows]
