"""The commands that look, as processes of their own: documents, tables, exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any, NamedTuple

import pytest

from projections.versions import MODEL_VERSION
from runut.adapters.postgres import Connection
from runut.settings import Settings
from tests.builders import on_subject, project, scenario

CASE = "case/BP3MI-NTT-2025-0001"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


async def runut(settings: Settings, *arguments: str, **variables: str) -> Ended:
    """Run a command against the settings' read models."""
    given = settings.model_dump(exclude_unset=True, mode="json")
    environment = {f"RUNUT_{name.upper()}": str(value) for name, value in given.items()}
    here = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", *arguments),
        env={**here, "LC_ALL": "C.UTF-8", **environment, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def filled(connection: Connection, settings: Settings) -> Settings:
    """Settings of read models that hold the first scenario's case."""
    await project(connection, on_subject(scenario("01-unpaid-wages"), CASE))
    return settings


async def test_documents_go_to_standard_output_alone(filled: Settings) -> None:
    case, history, owed, agency = await asyncio.gather(
        runut(filled, "case", CASE, "--json"),
        runut(filled, "history", CASE, "--json"),
        runut(filled, "commitments", "--agency", "bp3mi-ntt", "--json"),
        runut(filled, "agency", "kp2mi", "--json"),
    )
    assert [one.code for one in (case, history, owed, agency)] == [0, 0, 0, 0], case.err
    assert case.document["status"] == "CLOSED"
    assert len(history.document) == case.document["counts"]["events"]
    for one in (case, agency):
        origin = one.document["origin"]
        assert (origin["checkpoint"], origin["model"]) == (None, MODEL_VERSION)
        assert all(origin["positions"]["0"] > line["offset"] for line in history.document)
    assert {one["debtor"] for one in owed.document} == {"bp3mi-ntt"}
    assert agency.document["agency"]["code"] == "kp2mi"
    assert case.err == history.err == owed.err == agency.err == ""


async def test_a_past_state_is_asked_by_either_time(filled: Settings) -> None:
    past = ("case", CASE, "--json", "--as-of", "2025-06-12T09:00:00+07:00")
    occurred, recorded = await asyncio.gather(
        runut(filled, *past, "--by", "occurred"), runut(filled, *past)
    )
    assert occurred.document["open_transfer"]["to"] == "kp2mi"
    assert occurred.document["as_of"] == "2025-06-12T02:00:00Z"
    assert (recorded.code, recorded.out) == (1, "")
    assert recorded.err.startswith(f"runut: state of {CASE}: no effective event created it up to")


@pytest.mark.parametrize("then", ["2025-06-12T09:00:00+07:00", "2100-01-01T00:00:00Z"])
async def test_what_was_owed_at_a_moment_is_a_document_as_well(filled: Settings, then: str) -> None:
    owed, agency = await asyncio.gather(
        runut(filled, "commitments", "--as-of", then, "--json"),
        runut(filled, "agency", "kp2mi", "--as-of", then, "--json"),
    )
    assert (owed.code, agency.code) == (0, 0), owed.err + agency.err
    assert isinstance(owed.document, list)
    assert agency.document["agency"]["code"] == "kp2mi"
    assert agency.document["origin"]["model"] == MODEL_VERSION


async def test_tables_speak_the_language_and_the_time_of_the_reader(filled: Settings) -> None:
    indonesian, english = await asyncio.gather(
        runut(filled, "history", CASE),
        runut(filled, "case", CASE, "--lang", "en", "--zone", "Asia/Makassar"),
    )
    assert "Riwayat koordinasi" in indonesian.out
    assert "2025-06-10 08:00 WIB" in indonesian.out
    assert "tidak sah" in indonesian.out
    assert "4 fulfilled, 1 fulfilled late, 1 breached" in english.out
    assert "2025-06-10 09:00 WITA" in english.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("case", "nothing"), "expected KIND/ID such as case/KP2MI-2025-0001"),
        (("case", CASE, "--as-of", "2025-06-12"), "expected an RFC 3339 time with an offset"),
        (("case", CASE, "--zone", "Mars/Olympus"), "expected a time zone such as Asia/Jakarta"),
        (("case", CASE, "--by", "hearsay"), "hearsay"),
    ],
)
async def test_wrong_usage_ends_with_2_and_says_what_to_give(
    settings: Settings, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = await runut(settings, *arguments, COLUMNS="200")
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


async def test_what_is_not_there_ends_with_1_and_one_sentence(filled: Settings) -> None:
    for arguments in (("history", "case/NOWHERE"), ("agency", "nobody"), ("case", "agent/X")):
        ended = await runut(filled, *arguments, "--json")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("runut: ")
        assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("commitments",),
        ("indicators",),
        ("notices", "list"),
        ("notices", "retry", "--parked"),
        ("credentials", "list"),
    ],
)
async def test_a_list_of_an_agency_that_there_is_not_is_no_empty_list(
    filled: Settings, arguments: tuple[str, ...]
) -> None:
    there_is, there_is_not = await asyncio.gather(
        runut(filled, *arguments, "--agency", "kbri-kl", "--json"),
        runut(filled, *arguments, "--agency", "kbri-k", "--json"),
    )
    assert there_is.code == 0, there_is.err
    assert (there_is_not.code, there_is_not.out) == (1, "")
    assert "agency kbri-k: expected one that the directory knows" in there_is_not.err


async def test_a_database_that_does_not_answer_is_one_sentence_with_its_address(
    settings: Settings,
) -> None:
    nowhere = "postgresql://runut:secret@127.0.0.1:1/runut"
    ended = await runut(settings, "case", CASE, RUNUT_POSTGRES_URL=nowhere)
    assert (ended.code, ended.out) == (1, "")
    assert "127.0.0.1:1/runut" in ended.err
    assert "secret" not in ended.err
    assert "Traceback" not in ended.err


async def test_status_tells_of_every_part_and_fails_where_nobody_projects(
    filled: Settings,
) -> None:
    ended = await runut(filled, "status", "--json")
    found = ended.document
    assert (ended.code, found["ok"]) == (1, False)
    assert [part["name"] for part in found["parts"]] == ["Kafka", "registry", "PostgreSQL"]
    assert (found["events"], found["irregular"], found["overdue"]) == (19, 2, 0)
    assert any("no worker projects" in warning for warning in found["warnings"])
