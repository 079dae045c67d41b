"""Ports of the platform: fixed ones are free or an error, free ones are remembered."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from embedded.platform import Platform
from embedded.ports import claimed_ports, is_free
from embedded.progress import Show
from runut.errors import PlatformError
from runut.settings import Settings


@pytest.fixture
def base() -> int:
    """A port that is free together with the three after it."""
    bases = range(20_000, 30_000, 4)
    return next(base for base in bases if all(is_free(base + offset) for offset in range(4)))


async def test_a_taken_port_is_an_error_that_names_port_and_part(base: int, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with socket.create_server(("127.0.0.1", base + 1)):
        async with Platform(settings, port=base, show=Show(quiet=True)) as platform:
            with pytest.raises(PlatformError, match=rf"^port {base + 1} for registry: .*--port 0"):
                await platform.start()


def test_fixed_ports_follow_each_other(base: int, tmp_path: Path) -> None:
    with claimed_ports(base, ["web", "registry", "postgres"], tmp_path / "ports.json") as ports:
        assert ports == {"web": base, "registry": base + 1, "postgres": base + 2}


def test_free_ports_are_used_again_at_the_next_start(tmp_path: Path) -> None:
    names = ["web", "kafka", "postgres"]
    with claimed_ports(0, names, tmp_path / "ports.json") as first:
        assert len(set(first.values())) == 3
    with claimed_ports(0, names, tmp_path / "ports.json") as second:
        assert second == first


def test_a_remembered_port_that_is_taken_meanwhile_is_chosen_anew(tmp_path: Path) -> None:
    with claimed_ports(0, ["web", "kafka"], tmp_path / "ports.json") as first:
        pass
    with socket.create_server(("127.0.0.1", first["kafka"])):
        assert not is_free(first["kafka"])
        with claimed_ports(0, ["web", "kafka"], tmp_path / "ports.json") as second:
            assert second["web"] == first["web"]
            assert second["kafka"] != first["kafka"]


def test_a_port_is_chosen_once_though_nothing_listens_there_yet(tmp_path: Path) -> None:
    remembered = tmp_path / "ports.json"
    with claimed_ports(0, ["web", "kafka"], remembered) as ours:
        with claimed_ports(0, ["web", "kafka"], remembered) as theirs:
            assert not set(ours.values()) & set(theirs.values())
        for port in ours.values():
            socket.create_server(("127.0.0.1", port)).close()


def test_a_base_too_near_the_highest_port_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(PlatformError, match="expected at most 65534"),
        claimed_ports(65_535, ["web", "kafka"], tmp_path / "ports.json"),
    ):
        pass
