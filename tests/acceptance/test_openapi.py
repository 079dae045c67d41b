"""Five thousand requests made from the OpenAPI document, and no answer that it does not foresee.

Schemathesis makes them for every route but `/stream`, whose answers have no end: for one who may
do everything and, at the same time, for one who may only read. A sealed ledger answers. Requests
follow from the document and a seed, so that every run makes about the same.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from embedded.platform import Endpoints
from projections.credentials import Grant, issue
from projections.install import install
from projections.waiting import wait_until_projected
from runut.access import ROLES, Role
from runut.adapters.postgres import connected
from runut.event import AgencyCode
from runut.settings import Settings
from tests.acceptance.processes import Command, started, until
from tests.acceptance.running import environment
from tests.builders import ROOT
from tests.integration.outbox_stage import projecting
from tests.integration.sealing_stage import last_records, seal_a_story
from tests.ledgers import found, own_settings

pytestmark = pytest.mark.timeout(600)

AGENCY = AgencyCode("kp2mi")
HOW = ROOT / "tests" / "fixtures" / "openapi"
REQUESTS = 5_000
EXAMPLES = 15
"""Random requests to a route, beside those at the borders of its parameters."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
CONFIGURED = ("--config-file", str(HOW / "schemathesis.toml"))
OPTIONS = (
    *("--checks", ",".join(CHECKS), "--exclude-path", "/api/v1/stream"),
    *("--max-examples", str(EXAMPLES), "--seed", "20260101", "--generation-database", "none"),
    *("--suppress-health-check", "all", "--continue-on-failure", "--no-color"),
)
ADDRESS = re.compile(r'"address": ?"(http://[0-9.:]+)"')
TOLD = re.compile(r"^ *([0-9]+) generated, \1 passed$", re.MULTILINE)
ANSWERED = re.compile(r'^http_requests_total\{code="([0-9]+)".*\} ([0-9.]+)$', re.MULTILINE)
DEADLINE_S = 60.0


@pytest.fixture
async def settings(platform: Endpoints, tmp_path: Path) -> Settings:
    """Settings of a sealed ledger whose records are projected."""
    settings = own_settings(platform, tmp_path, seal_interval_s=0.01)
    await found(settings)
    await seal_a_story(settings)
    ends = await last_records(settings)
    places = {one.partition: end for one, end in ends.items() if one.topic == settings.events_topic}
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        async with projecting(settings):
            assert await wait_until_projected(connection, places, deadline_s=DEADLINE_S)
    return settings


@pytest.fixture
async def web(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """`runut web` in a process of its own, ready; what it writes is projected."""
    async with started(settings, "worker"), started(settings, "web", "--port", "0") as process:
        url = await _address(process)
        async with httpx.AsyncClient(base_url=url, timeout=DEADLINE_S, trust_env=False) as client:

            async def is_ready() -> bool:
                return (await client.get("/readyz")).is_success

            await until(is_ready, "the web process to be ready", process)
            yield client


async def _address(process: Command) -> str:
    async def is_known() -> bool:
        return ADDRESS.search(process.log) is not None

    await until(is_known, "the web process to say where it listens", process)
    told = ADDRESS.search(process.log)
    assert told
    return told[1]


async def _token(settings: Settings, *roles: Role, may_force: bool = False) -> str:
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    grant = Grant(AGENCY, "tests", frozenset(roles), may_force=may_force, expires_at=until)
    async with connected(settings, name="tests", autocommit=True) as connection:
        return (await issue(connection, grant, "tests", now)).text


async def _ask(web: httpx.AsyncClient, folder: Path, token: str, phases: str) -> int:
    """Have Schemathesis ask as the holder of a token; gives how many requests passed, all did."""
    document = f"{web.base_url}/api/v1/openapi.json"
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *CONFIGURED, "run", document, *OPTIONS),
        *("--phases", phases, "--header", f"Authorization: Bearer {token}"),
        cwd=folder,
        env=environment(SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HOW)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asking.communicate()
    finally:
        if asking.returncode is None:
            asking.kill()
    told = TOLD.search(out.decode())
    assert asking.returncode == 0, out.decode()
    assert told, out.decode()
    return int(told[1])


async def test_no_request_made_from_the_document_gets_an_answer_that_it_does_not_foresee(
    web: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    everything = await _token(settings, *ROLES, may_force=True)
    reader = await _token(settings, "READER")
    made = await asyncio.gather(
        _ask(web, tmp_path, everything, "examples,coverage,fuzzing"),
        _ask(web, tmp_path, reader, "coverage"),
    )
    assert sum(made) >= REQUESTS
    # The server has counted too.
    counts: Counter[str] = Counter()
    for code, count in ANSWERED.findall((await web.get("/metrics")).text):
        counts[code] += int(float(count))
    assert counts.total() >= REQUESTS
    assert {"200", "201", "403", "404", "409", "422"} <= counts.keys()
    assert [code for code in counts if code >= "500"] == []
