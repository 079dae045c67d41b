"""`runut import` of every format, and its dry run, on a real ledger."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro

from runut.catalogue import catalogue
from runut.json_form import from_json
from runut.settings import Settings
from tests.builders import ROOT, SCENARIOS
from tests.integration.outbox_stage import projecting
from tests.integration.test_look import Ended, runut

EXAMPLES = ROOT / "docs" / "examples"
TABLE = str(EXAMPLES / "pengaduan.csv")
MAPPING = str(EXAMPLES / "pengaduan.toml")
CASE = "case/NTT-2025-0204"


async def import_(settings: Settings, *arguments: str) -> Ended:
    async with projecting(settings):
        return await runut(settings, "import", *arguments)


def verdicts(document: dict[str, Any]) -> list[Any]:
    return [one.get("verdict") for one in document["foreseen"]]


async def test_a_table_is_rehearsed_imported_and_known_again(projected: Settings) -> None:
    told = await runut(projected, "import", TABLE, "--mapping", MAPPING, "--dry-run")
    assert told.code == 3, told.err
    assert told.out.splitlines() == [
        f"line 3: CaseReported on {CASE} by bp3mi-ntt: EFFECTIVE",
        f"line 4: CaseVerified on {CASE} by bp3mi-ntt: EFFECTIVE",
        f"line 5: TransferOffered on {CASE} by bp3mi-ntt: EFFECTIVE",
        "line 7: column Tanggal, Pukul (WITA) (occurred_at): expected a time as %d %B %Y %H.%M, "
        "found 31 September 2025 10.00",
        "line 8: CaseReported on case/NTT-2025-0206 by bp3mi-ntt: EFFECTIVE",
        "dry run, nothing was published: of 5 lines 4 EFFECTIVE, 1 malformed",
    ]
    assert "warning: line 8: data.summary: expected no personal data, found what" in told.err
    assert "0812-3456-7890" not in told.out + told.err
    assert (await runut(projected, "history", CASE)).code == 1
    done = await import_(projected, TABLE, "--mapping", MAPPING, "--wait")
    assert (done.code, done.out) == (3, "4 of 5 lines published, 1 malformed\n")
    assert len((await runut(projected, "history", CASE, "--json")).document) == 3
    again = await runut(projected, "import", TABLE, "--mapping", MAPPING, "--dry-run", "--json")
    assert again.document["verdicts"] == {"DUPLICATE": 4}
    assert verdicts(again.document) == ["DUPLICATE"] * 3 + [None, "DUPLICATE"]


async def test_irregular_lines_of_a_rehearsal_are_told_with_their_codes(
    projected: Settings, tmp_path: Path
) -> None:
    line = {"type": "CaseVerified", "agency": "kp2mi", "data": {"result": "VERIFIED", "note": "-"}}
    line |= {"subject": "case/NOT-THERE", "occurred_at": "2025-05-08T10:00:00+07:00"}
    stranger = {**line, "agency": "nobody"}
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(map(json.dumps, [line, stranger])))
    report = tmp_path / "report.jsonl"
    told = await runut(projected, "import", str(file), "--dry-run", "--report", str(report))
    assert (told.code, told.out.count("\n")) == (3, 1)
    found = [json.loads(one) for one in report.read_text().splitlines()]
    assert [one["codes"] for one in found] == [["UNKNOWN_SUBJECT"], ["UNKNOWN_AGENCY"]]


async def test_a_table_that_could_say_personal_data_can_be_refused_line_by_line(
    projected: Settings, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    options = ("--refuse-personal-data", "--dry-run", "--report", str(report))
    await runut(projected, "import", TABLE, "--mapping", MAPPING, *options)
    found = [json.loads(one) for one in report.read_text().splitlines()]
    assert found[-1]["line"] == 8
    assert found[-1]["reason"].startswith("data.summary: expected no personal data")


async def test_avro_files_are_imported_too(projected: Settings, tmp_path: Path) -> None:
    lines = (SCENARIOS / "10-service-points.jsonl").read_text().splitlines()
    events = [from_json(line, derive_id=True) for line in lines]
    chosen = [one for one in events if one.type == events[0].type]
    out = io.BytesIO()
    schema = fastavro.parse_schema(catalogue().by_name(chosen[0].type).schema)
    fastavro.writer(out, schema, [{"meta": one.meta, **one.data} for one in chosen])
    file = tmp_path / "points.avro"
    file.write_bytes(out.getvalue())
    done = await import_(projected, str(file), "--wait", "--json")
    assert (done.code, done.document["published"]) == (0, len(chosen)), done.err
    again = await runut(projected, "import", str(file), "--dry-run", "--json")
    assert again.document["verdicts"] == {"DUPLICATE": len(chosen)}


async def test_a_report_is_not_written_over_what_is_imported(
    projected: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text("no event\n")
    (tmp_path / "link").symlink_to(file)
    told = await runut(projected, "import", str(file), "--report", str(tmp_path / "link"))
    assert (told.code, file.read_text()) == (2, "no event\n")
    assert "expected another file" in told.err
