"""The report of a verification: read by those who run no commands, whether it holds or not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from html import unescape
from pathlib import Path

import msgspec
import pytest

from audit import live, offline, verify
from audit.report import laid_out
from audit.report.examination import Examination, told_examination
from audit.report.telling import Report, terms
from audit.verify import Check, TreeShown, VerificationFailed, Verified
from runut.errors import BadInput
from tests.sealed import CASE, SEALER, WITNESSES, Sealed

AT = datetime(2026, 2, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A genuine bundle, a broken one, and the policy for both."""
    found = tmp_path_factory.mktemp("examined")
    ledger = Sealed()
    ledger.announce()
    ledger.tell()
    ledger.seal()
    data = ledger.bundle()
    founded = ledger.log().latest.ledger
    assert founded is not None
    roots, witnesses = [one.hex() for one in founded.root_keys], [str(one.key) for one in WITNESSES]
    policy = f'ledger = "{SEALER.key}"\nroot_keys = {roots}\nwitnesses = {witnesses}\nquorum = 2\n'
    (found / "trust.toml").write_text(policy)
    (found / "case.zip").write_bytes(data)
    (found / "broken.zip").write_bytes(data[:-1])
    return found


def run(folder: Path, file: str, report: str) -> int:
    given = [str(folder / file), "--policy", str(folder / "trust.toml")]
    return offline.main([*given, "--report", str(folder / report), "--json"])


def test_a_court_reads_what_was_examined_found_and_trusted_in_both_languages(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "case.zip", "report.html") == 0
    document = json.loads(capsys.readouterr().out)
    page = unescape((folder / "report.html").read_text())
    for step in terms()["examined"]["bundle"]:
        assert step["id"] in page
        assert step["en"] in page
    for check in document["checks"]:
        assert check["says"] in page
    for said in ("SAH: ", "VERIFIED: ", CASE, "2 / 3", str(SEALER.key), str(WITNESSES[0].key)):
        assert said in page
    assert sha256((folder / "case.zip").read_bytes()).hexdigest() in page
    assert document["note"].splitlines()[2] in page


def test_what_does_not_hold_is_reported_with_the_step_and_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "broken.zip", "failed.html") == offline.FAILED
    reason = json.loads(capsys.readouterr().out)["reason"]
    page = unescape((folder / "failed.html").read_text())
    for said in ("GAGAL: ", "FAILED: ", "1, files of the bundle", reason, "tidak dijalankan"):
        assert said in page
    assert "SAH" not in page


def test_the_same_report_is_a_pdf_of_the_same_bytes_each_time(folder: Path) -> None:
    outcome = offline.verify_file(folder / "case.zip", folder / "trust.toml", None)
    report = told_examination(examination(outcome, file="case.zip"))
    content = laid_out(report, "pdf")
    assert content.startswith(b"%PDF-")
    assert laid_out(report, "pdf") == content
    assert b"FlateDecode" not in content  # which another zlib would write in another way


def test_another_name_than_of_a_page_or_pdf_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "case.zip", "report.doc") == 1
    assert "expected the name of a .html or .pdf file" in capsys.readouterr().err


def examination(outcome: Verified | VerificationFailed, file: str | None = None) -> Examination:
    return Examination(outcome, AT, "0.1.0", None, "runut verify --full", file=file)


def cells(report: Report) -> str:
    rows = [row for table in report.tables for row in table.rows]
    return "\n".join(map(str, [*report.facts, *(cell for row in rows for cell in row)]))


def test_the_whole_ledger_is_reported_part_by_part_and_what_is_not_shown_is_marked() -> None:
    checks = [Check(n, what, "HOLDS", f"found {n}") for n, what in enumerate(live.HEADINGS, 1)]
    checks[-1] = msgspec.structs.replace(checks[-1], status="NOT_SHOWN")
    found = Verified(
        *("", "nusantara", 41, AT, False, checks),
        note="nusantara/seals\n42\nroot=\n",
        trees=[TreeShown("runut.events/3", 1234, "ab" * 32)],
        signatures={"VALID": 1200, "INVALID": 34},
    )
    report = told_examination(examination(found))
    text = cells(report)
    late = msgspec.structs.replace(found, cosigned=29, missing=["cosignatures"])
    for said in ("INCOMPLETE", "BELUM LENGKAP", "29"):
        assert said in cells(told_examination(examination(late)))
        assert said not in text
    for said in ("UNANCHORED", "nusantara", "found 6", "runut.events/3", "1234", "ab" * 32, "34"):
        assert said in text
    steps, signatures = report.tables[:2]
    assert (len(steps.rows), steps.flagged) == (len(live.HEADINGS), {5})
    assert signatures.flagged == {0}
    assert report.checkpoint == found.note


def test_a_ledger_that_fails_says_which_steps_held_before_and_which_were_not_done() -> None:
    failed = VerificationFailed(4, BadInput("runut.events/2", "a root", "another"), "trees")
    report = told_examination(examination(failed))
    results = [row[2].en for row in report.tables[0].rows]
    assert results == ["holds"] * 3 + ["FAILED"] + ["not done"] * 2
    assert "runut.events/2: expected a root, found another" in cells(report)
    assert report.checkpoint == ""
    assert b"GAGAL" in laid_out(report, "html")


def test_every_step_has_its_words() -> None:
    examined = terms()["examined"]
    assert len(examined["ledger"]) == len(live.HEADINGS)
    assert len(examined["bundle"]) == len(verify.HEADINGS)
