"""docker-compose.yml and the Dockerfile, read for the tests that hold them to the rest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).parents[1]
PYPROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: Final = PYPROJECT["project"]

VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")
COMPOSE_TEXT: Final = (ROOT / "docker-compose.yml").read_text()
SECURE_TEXT: Final = (ROOT / "deploy/kafka/compose.yml").read_text()
"""What is put over it where clients of Kafka log in."""


def _value(variable: re.Match[str]) -> str:
    """Its default; a password's name, for in a trial all are the same."""
    name, default = variable.groups()
    return name if name.endswith("PASSWORD") else default


# As Compose reads the file when nothing is set but passwords.
COMPOSE: Final = msgspec.yaml.decode(VARIABLE.sub(_value, COMPOSE_TEXT))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
BROKERS: Final = {"single": ["kafka"], "cluster": ["kafka-1", "kafka-2", "kafka-3"]}
ALL_BROKERS: Final = [*BROKERS["single"], *BROKERS["cluster"]]
LEDGERS: Final = {"single": "ledger", "cluster": "ledger-cluster"}
WORKERS: Final = {"single": "worker", "cluster": "worker-cluster"}
WEBS: Final = {"single": "web", "cluster": "web-cluster"}
SEALERS: Final = {"single": "sealer", "cluster": "sealer-cluster"}
OURS: Final = [*LEDGERS.values(), *WORKERS.values(), *WEBS.values(), *SEALERS.values()]


def environment(service: str) -> dict[str, str]:
    """A service's variables, as its container gets them."""
    return {name: str(value) for name, value in SERVICES[service]["environment"].items()}


def _instructions(path: Path) -> list[tuple[str, str]]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined if line]


DOCKERFILE: Final = _instructions(ROOT / "Dockerfile")
"""Instructions with their arguments, lines that go on joined."""
_LAST_FROM: Final = max(i for i, (word, _) in enumerate(DOCKERFILE) if word == "FROM")
FINAL_STAGE: Final = DOCKERFILE[_LAST_FROM:]


def only(instruction: str) -> str:
    """The argument of an instruction that the final stage has once."""
    (found,) = [argument for word, argument in FINAL_STAGE if word == instruction]
    return found
