"""Choose the ports of the parts: fixed ones from a base, or free ones that are remembered.

Only 127.0.0.1 is ever asked for. With base 0 the ports of the last start are used again where
they are still free, and what one platform has chosen no other chooses, though the part that will
listen there has yet to start. Refuses to guess: a taken port of a fixed base is an error.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from runut.errors import PlatformError, shorten

LOOPBACK: Final = "127.0.0.1"
# Below the range from which systems choose ports of outgoing connections (32768 on Linux).
FREE: Final = range(15_000, 32_000)
HIGHEST: Final = 65_535


@contextmanager
def claimed_ports(base: int, names: Sequence[str], remembered: Path) -> Iterator[dict[str, int]]:
    """A port for each name, in order: base, base + 1, …; for base 0 free ones, ours in the block.

    Raises:
        PlatformError: naming the taken port and its part.
    """
    if base:
        yield _fixed(base, names)
        return
    with ExitStack() as claims:
        ports = _free(names, _read(remembered), claims)
        remembered.write_text(json.dumps(ports))
        yield ports


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


async def refused(host: str, port: int) -> str | None:
    """None when something accepts a connection there, else why not.

    A cheap question before a costly one: clients of Kafka and HTTP take long to set up.
    """
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return shorten(str(error))
    writer.close()
    return None


def _fixed(base: int, names: Sequence[str]) -> dict[str, int]:
    ports = {name: base + offset for offset, name in enumerate(names)}
    if ports[names[-1]] > HIGHEST:
        raise PlatformError(
            f"port {base}: expected at most {HIGHEST - len(names) + 1}, since {len(names)} "
            "ports from there on are used"
        )
    for name, port in ports.items():
        if not is_free(port):
            raise PlatformError(
                f"port {port} for {name}: expected it to be free, found another program on "
                f"{LOOPBACK}:{port}; choose others with --port N, or free ones with --port 0"
            )
    return ports


def _free(names: Sequence[str], before: dict[str, int], claims: ExitStack) -> dict[str, int]:
    ports: dict[str, int] = {}
    for name in names:
        port = before.get(name, 0)
        while not port or not is_free(port) or not _claim(port, claims):
            port = random.choice(FREE)  # noqa: S311 - no secret
        ports[name] = port
    return ports


def _claim(port: int, claims: ExitStack) -> bool:
    """Whether the port is ours from now on: its UDP twin says so, which no part of ours uses.

    The kernel gives such a claim to one alone, and takes it back however its holder ends.
    """
    claim = socket.socket(type=socket.SOCK_DGRAM)
    claims.enter_context(claim)
    return _binds(claim, port)


def _binds(one: socket.socket, port: int) -> bool:
    try:
        one.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def _read(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
