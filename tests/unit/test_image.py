"""The image and its containers: what they may do, what they run, what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec
import pytest
from typer.core import TyperGroup
from typer.main import get_group

from cli.main import app
from embedded.artifacts import Artifact, Lock, read_lock, unexpected_wheels
from runut.errors import PlatformError
from runut.settings import Settings
from tests.containers import (
    COMPOSE,
    COMPOSE_TEXT,
    DOCKERFILE,
    FINAL_STAGE,
    LEDGERS,
    OURS,
    PROJECT,
    PYPROJECT,
    ROOT,
    SEALERS,
    SECURE_TEXT,
    SERVICES,
    VARIABLE,
    WEBS,
    WORKERS,
    only,
)

HOWTO: Final = (ROOT / "docs/howto/deploy-with-containers.md").read_text()


def commands(group: TyperGroup, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*before, name))
        else:
            yield (*before, name)


@pytest.fixture(scope="module")
def offered() -> set[tuple[str, ...]]:
    """Every command of `runut`, as words."""
    return set(commands(get_group(app)))


def locked(file: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    return dict(found)


# --- commands ------------------------------------------------------------------------------------


def test_containers_run_commands_that_runut_offers(offered: set[tuple[str, ...]]) -> None:
    assert "runut" in PROJECT["scripts"]
    assert msgspec.json.decode(only("ENTRYPOINT")) == ["runut"]
    assert tuple(msgspec.json.decode(only("CMD"))) in offered
    program, *check = msgspec.json.decode(only("HEALTHCHECK").split("CMD", 1)[1])
    assert (program, tuple(check) in offered) == ("runut", True)
    for service in OURS:
        words = takewhile(lambda word: not word.startswith("-"), SERVICES[service]["command"])
        assert tuple(words) in offered


def test_the_documentation_names_services_and_commands_that_exist(
    offered: set[tuple[str, ...]],
) -> None:
    ran = re.findall(r"compose run --rm (?:--volume \S+ )?(\S+) (\w+) (\w+)", HOWTO)
    executed = re.findall(r"compose exec (\S+) runut (\w+)", HOWTO)
    assert ran
    assert executed
    assert {(group, command) for _, group, command in ran} <= offered
    assert {(command,) for _, command in executed} <= offered
    assert {service for service, *_ in [*ran, *executed]} <= set(SERVICES)
    named = re.findall(r"\bRUNUT_[A-Z_]+\b", HOWTO)
    assert set(named) <= {"RUNUT_" + name.upper() for name in Settings.model_fields}


# --- every container -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_no_port_is_open_beyond_this_machine(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert "network_mode" not in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_the_rights_of_root(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["logging"]["options"]["max-size"]
    once = name in LEDGERS.values()
    assert service["restart"] == ("no" if once else "unless-stopped")
    # That of a worker or sealer is the image's.
    of_image = {*WORKERS.values(), *SEALERS.values()}
    watched = "test" in service.get("healthcheck", {}) or name in of_image
    assert watched != once


def test_all_data_is_on_declared_volumes_and_each_is_used() -> None:
    mounts = [one for service in SERVICES.values() for one in service.get("volumes", [])]
    used = {mount.split(":")[0] for mount in mounts if not mount.startswith("./")}
    assert used == set(COMPOSE["volumes"])
    # PostgreSQL 18 keeps its files below this directory, in one for each major version.
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


def test_one_broker_is_what_starts_by_default() -> None:
    lines = (ROOT / ".env").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["COMPOSE_PROFILES=single"]


def test_the_example_of_settings_names_every_variable_and_keeps_no_password() -> None:
    lines = (ROOT / "deploy/containers.env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert given.pop("COMPOSE_PROFILES") in {"single", "cluster"}
    assert given.keys() == {name for name, _ in VARIABLE.findall(COMPOSE_TEXT + SECURE_TEXT)}
    assert {value for name, value in given.items() if name.endswith("PASSWORD")} == {""}
    assert "$" not in VARIABLE.sub("", COMPOSE_TEXT + SECURE_TEXT)


def test_services_read_the_private_keys_that_only_the_founding_ones_write() -> None:
    data = re.findall(r"\bRUNUT_DATA=(\S+)", only("ENV"))[0]
    place = f"keys:{Settings(data=Path(data)).keys}"
    mounted = {name: service.get("volumes", []) for name, service in SERVICES.items()}
    writers = {name for name, volumes in mounted.items() if place in volumes}
    readers = {name for name, volumes in mounted.items() if f"{place}:ro" in volumes}
    assert (writers, readers) == (
        set(LEDGERS.values()),
        {*WORKERS.values(), *WEBS.values(), *SEALERS.values()},
    )
    assert str(SERVICES).count("'keys:") == len(writers) + len(readers)


# --- image ---------------------------------------------------------------------------------------


def test_the_image_is_labelled_with_the_version_of_the_project() -> None:
    assert ("ARG", f"VERSION={PROJECT['version']}") in FINAL_STAGE
    assert 'org.opencontainers.image.version="${VERSION}"' in only("LABEL")
    assert f'org.opencontainers.image.licenses="{PROJECT["license"]}"' in only("LABEL")


def test_the_image_runs_as_the_user_that_compose_names_and_owns_its_key_store() -> None:
    user = only("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert {SERVICES[one]["user"] for one in OURS} == {user}
    made = only("RUN")
    assert all(f"--{kind} {user.split(':')[0]}" in made for kind in ("gid", "uid"))
    assert "--mode 0700 /var/lib/runut /var/lib/runut/keys" in made


def test_the_image_takes_nothing_from_the_net_but_its_base_and_hashed_wheels() -> None:
    assert not [word for word, _ in DOCKERFILE if word == "ADD"]
    steps = [argument for word, argument in DOCKERFILE if word == "RUN"]
    assert not [step for step in steps if re.search(r"\b(curl|wget|apt|apt-get|git|uv)\b", step)]
    installs = [one for step in steps for one in step.split("&&") if "install " in one]
    for install in (one for one in installs if "pip" in one.split()[0]):
        from_lock = "--require-hashes" in install and "--only-binary :all:" in install
        assert from_lock or "--no-index --no-deps" in install
    bases = {argument.split()[0] for word, argument in DOCKERFILE if word == "FROM"}
    assert bases == {"${PYTHON_IMAGE}", "${BUILD_IMAGE}"}
    arguments = dict(one.split("=") for word, one in DOCKERFILE[:2] if word == "ARG")
    assert re.fullmatch(r"python:3\.\d+-slim-bookworm", arguments["PYTHON_IMAGE"])
    # The same Python, in the same place, with a compiler beside it.
    assert arguments["BUILD_IMAGE"] == arguments["PYTHON_IMAGE"].replace("-slim", "")
    assert FINAL_STAGE[0] == ("FROM", "${PYTHON_IMAGE}")


def test_the_build_sees_every_part_of_the_wheel_and_both_locks() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "pyproject.toml",
        "hatch_build.py",
        "deploy/requirements-server.lock",
        "deploy/requirements-build.lock",
    }
    needed |= {PROJECT["readme"], *PROJECT["license-files"]}
    needed |= {*wheel["packages"], *wheel["force-include"]}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    assert {one for one in needed if not any(fnmatch(one, rule) for rule in allowed)} == set()
    assert {rule for rule in allowed if not list(ROOT.glob(rule))} == set()


def test_the_image_has_the_locked_versions_of_what_a_server_needs_and_no_more() -> None:
    everything = locked("requirements.lock")
    server, build = (locked(f"deploy/requirements-{one}.lock") for one in ("server", "build"))
    assert server.items() | build.items() <= everything.items()
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["server"]]
    assert {re.split(r"[^\w.-]", one)[0] for one in asked} <= server.keys()
    assert not {*read_lock().wheels, "jgo", "pytest", "mypy", "uv", "hatchling"} & server.keys()
    assert {"hatchling", "cython", "setuptools"} <= build.keys()


def test_starting_a_platform_without_its_extra_says_what_to_install() -> None:
    artifact = Artifact(group="g", name="n", version="1", sha256="", size=0)
    lock = Lock(versions={}, wheels={"no-such-wheel": "1"}, kafka=(), registry=artifact)
    with pytest.raises(PlatformError, match=r"no-such-wheel.*runut\[platform\]"):
        unexpected_wheels(lock)
