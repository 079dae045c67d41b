"""Importing files into a real ledger: all that is well-formed, in order, as often as one likes."""

from __future__ import annotations

import asyncio
import io
import json
import os
from typing import Any

import pytest

from producers.files.entries import BadLine, Doubt, Reported
from producers.files.jsonl import JsonLines
from producers.importer import Imported, Publishing, Rules, import_entries
from runut import Producer
from runut.codec import MAX_VALUE
from runut.errors import BadFile, LedgerMismatch, MissingKey
from runut.json_form import from_json
from runut.settings import Settings
from tests.builders import SCENARIOS
from tests.integration.logs import read_log

FILES = {file.stem: file.read_bytes() for file in sorted(SCENARIOS.glob("*.jsonl"))}


def contact(number: int, agency: str = "kp2mi", subject: str = "case/A", **more: Any) -> str:
    data = {
        "contact_id": f"c-{number}",
        "mode": "PHONE",
        "direction": "OUTGOING",
        "with": [],
        "summary": "é" * 20,
    }
    return json.dumps(
        {
            "type": "ContactLogged",
            "subject": subject,
            "agency": agency,
            "occurred_at": "2025-05-08T10:00:00+07:00",
            "data": data,
            **more,
        }
    )


async def import_text(
    settings: Settings,
    text: str | bytes,
    *,
    require_keys: bool = False,
    refuse_personal_data: bool = False,
) -> tuple[Imported, list[BadLine]]:
    found, bad, doubts = await import_all(
        settings, text, require_keys=require_keys, refuse_personal_data=refuse_personal_data
    )
    assert doubts == []
    return found, bad


async def import_all(
    settings: Settings,
    text: str | bytes,
    *,
    require_keys: bool = False,
    refuse_personal_data: bool = False,
    agency: str | None = None,
) -> tuple[Imported, list[BadLine], list[Doubt]]:
    source = JsonLines(io.BytesIO(text if isinstance(text, bytes) else text.encode()))
    found, told = Imported(), list[Reported]()
    async with Producer(settings, require_keys=require_keys) as producer:
        await import_entries(
            source,
            Publishing(producer, found),
            found,
            report=told.append,
            rules=Rules(agency, refuse_personal_data),
        )
    bad = [one for one in told if isinstance(one, BadLine)]
    return found, bad, [one for one in told if isinstance(one, Doubt)]


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
async def test_a_scenario_is_in_the_log_signed_and_in_order(
    ledger: Settings, content: bytes
) -> None:
    lines = content.splitlines()
    found, bad = await import_text(ledger, content)
    log = await read_log(ledger)
    assert bad == []
    assert (found.published, found.lines) == (len(lines), len(lines))
    assert found.size == len(content)
    assert log.rejected == []
    assert {one.signature for one in log.events} == {"VALID"}
    events = [from_json(line, derive_id=True) for line in content.splitlines()]
    for subject in {event.subject for event in events}:
        expected = [event.event_id for event in events if event.subject == subject]
        assert [one.event.event_id for one in log.on_subject(subject)] == expected
    assert found.ends == {one.partition: one.offset for one in log.events}


async def test_a_file_that_is_imported_again_is_the_same_events_again(ledger: Settings) -> None:
    text = "\n".join(contact(number) for number in range(50))
    await import_text(ledger, text)
    await import_text(ledger, text)
    ids = [one.event.event_id for one in (await read_log(ledger)).on_subject("case/A")]
    assert ids[:50] == ids[50:]
    assert len(set(ids)) == 50


async def test_bad_lines_are_reported_and_the_rest_goes_on(ledger: Settings) -> None:
    bad = {
        1: ("not json", "event: expected a JSON object"),
        3: (contact(3, type="LetterSnt"), "did you mean LetterSent?"),
        4: (contact(4, colour="red"), "colour: expected a known field"),
        5: ('{"type":"CaseReported"}', "subject: expected"),
        7: ("[1]", "event: expected a JSON object"),
        8: (contact(8, agency="kp2mi\x00"), "agency: expected text without control characters"),
        9: (contact(9, occurred_at="2025-05-08"), "occurred_at: expected"),
        10: ("x" * (MAX_VALUE + 1), f"line: expected {MAX_VALUE} bytes at most"),
        12: (
            contact(12, type="AgencyRegistered", subject="agency/kp2mi"),
            "data.",
        ),
    }
    texts = [bad[number][0] if number in bad else contact(number) for number in range(1, 14)]
    found, reported = await import_text(ledger, "\ufeff" + "\n".join(texts))
    assert [one.line for one in reported] == list(bad)
    for one in reported:
        text, reason = bad[one.line]
        assert reason in one.reason
        assert one.text == text[:200]
    assert (found.published, found.bad, found.lines) == (4, 9, 13)
    log = await read_log(ledger)
    good = ["c-2", "c-6", "c-11", "c-13"]
    assert [one.event.data["contact_id"] for one in log.on_subject("case/A")] == good


async def test_a_key_that_cannot_be_read_is_no_bad_line(ledger: Settings) -> None:
    broken = ledger.keys / "broken.json"
    broken.touch(mode=0o600)
    with pytest.raises(BadFile, match=r"key file .*broken\.json"):
        await import_text(ledger, contact(1), require_keys=True)
    broken.unlink()
    found, bad = await import_text(ledger, contact(1), require_keys=True)
    assert (found.published, bad) == (1, [])


async def test_what_only_the_directory_may_say_is_no_line(ledger: Settings) -> None:
    mandate = {"agency": "kp2mi", "function": "all", "basis": "none"}
    line = {
        "type": "MandateGranted",
        "subject": "agency/kp2mi",
        "agency": "kp2mi",
        "occurred_at": "2025-05-08T10:00:00Z",
        "data": {**mandate, "valid_from": "2025-05-08T10:00:00Z"},
    }
    found, (bad,) = await import_text(ledger, json.dumps(line))
    assert bad.reason == "type: expected an event of an agency, found MandateGranted"
    assert found.published == 0


async def test_ten_thousand_malformed_lines_are_ten_thousand_reports(ledger: Settings) -> None:
    lines = ['{"type":'] * 10_000
    lines[5_000] = contact(1)
    found, bad = await import_text(ledger, "\n".join(lines))
    assert (found.published, found.bad, len(bad)) == (1, 9_999, 9_999)


async def test_events_of_agencies_without_a_key_go_unsigned_where_that_is_allowed(
    ledger: Settings,
) -> None:
    text = "\n".join([contact(1, agency="stranger"), contact(2)])
    await import_text(ledger, text)
    log = await read_log(ledger)
    assert [one.signature for one in log.on_subject("case/A")] == ["UNKNOWN_AGENCY", "VALID"]
    with pytest.raises(MissingKey, match="no signing key for agency stranger"):
        await import_text(ledger, text, require_keys=True)


async def test_lines_of_a_slow_pipe_go_out_as_they_come(ledger: Settings) -> None:
    reading, writing = os.pipe()
    seen: asyncio.Queue[int] = asyncio.Queue()
    with open(reading, "rb") as source, open(writing, "wb", buffering=0) as sink:  # noqa: ASYNC230

        async def run() -> Imported:
            found = Imported()
            async with Producer(ledger) as producer:
                await import_entries(
                    JsonLines(source),
                    Publishing(producer, found),
                    found,
                    report=lambda bad: pytest.fail(str(bad)),
                    progress=lambda so_far: seen.put_nowait(so_far.lines),
                )
            return found

        importing = asyncio.create_task(run())
        for number in range(1, 4):
            sink.write(contact(number).encode() + b"\n")
            # The next line is written only when this one was taken up.
            assert await asyncio.wait_for(seen.get(), 30) == number
        sink.close()
        assert (await importing).published == 3


async def test_a_ledger_that_does_not_know_our_schemas_stops_the_import(
    settings: Settings,
) -> None:
    with pytest.raises(LedgerMismatch, match="found a ledger first: runut ledger create"):
        await import_text(settings, contact(1))


async def test_personal_data_is_warned_of_or_refused_and_never_repeated(ledger: Settings) -> None:
    nik = "3171014502900001"
    data = {"contact_id": "c-2", "mode": "PHONE", "direction": "INCOMING", "with": []}
    doubtful = contact(2, data={**data, "summary": f"NIK {nik}, HP 081234567890"})
    text = "\n".join([contact(1), doubtful, contact(3)])
    found, bad, doubts = await import_all(ledger, text)
    assert (found.published, found.bad, found.doubts) == (3, 0, 2)
    assert [(one.line, one.field, one.kind) for one in doubts] == [
        (2, "data.summary", "NIK"),
        (2, "data.summary", "TELEPHONE"),
    ]
    found, bad, doubts = await import_all(ledger, text, refuse_personal_data=True)
    assert (found.published, found.bad, found.doubts, doubts) == (2, 1, 0, [])
    assert (bad[0].line, bad[0].field) == (2, "data.summary")
    assert "data.summary: expected no personal data, found what looks like a NIK" in bad[0].reason
    assert nik not in str(bad)
    assert "081234567890" not in str(bad)


async def test_a_file_of_one_agency_may_be_held_to_that(ledger: Settings) -> None:
    text = "\n".join([contact(1), contact(2, agency="polri"), contact(3)])
    found, bad, _ = await import_all(ledger, text, agency="kp2mi")
    assert (found.published, [one.line for one in bad]) == (2, [2])
    assert bad[0].reason == "agency: expected kp2mi alone, found polri"
