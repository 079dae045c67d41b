"""One event's payload as it is given on the command line, in its own words or in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.given_event import given_event, payload_and_directory

PAYLOAD = '{"result": "VERIFIED", "note": "Sesuai, café."}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_of_the_payload_may_begin_with_a_byte_order_mark(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "p.json").write_text(PAYLOAD, encoding=encoding)
    payload, directory = payload_and_directory([f"@{tmp_path}/p.json", "elsewhere"])
    assert directory == Path("elsewhere")
    event = given_event("CaseVerified", "case/A", "kp2mi", payload, None)
    assert event.data["note"] == "Sesuai, café."
