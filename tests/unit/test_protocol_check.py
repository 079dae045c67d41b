"""Wrong protocol files: each mistake is named with its place, what was expected and found."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runut.errors import BadFile
from runut.founding import default_protocol
from runut.protocol import Protocol
from runut.protocol_check import Finding, Known, check_protocol
from tests.builders import directory_log

TEXT = default_protocol().read_text()
KNOWN = Known.of(directory_log().latest)


class Wrong(NamedTuple):
    """The default protocol with something replaced, and the one finding that it must give."""

    old: str
    new: str
    path: str
    expected: str
    found: str
    severity: str = "ERROR"


A_LIMIT = "a limit such as 3wd (working days) or 24h (hours)"
WRONG = {
    "an unknown key": Wrong(
        'timezone = "Asia/Jakarta"\n',
        'timezone = "Asia/Jakarta"\ncolour = "red"\n',
        "colour",
        "one of the keys version, timezone, limits, default_arbiter, consents, reminders, "
        "escalation, meeting_series",
        "colour",
    ),
    "a limit of nothing": Wrong(
        '"10wd"    #', '"0wd" #', "limits.ASSISTANCE_DELIVERY", A_LIMIT, "0wd"
    ),
    "a limit in words": Wrong(
        'MINUTES = "3wd"', 'MINUTES = "3days"', "limits.MINUTES", A_LIMIT, "3days"
    ),
    "a limit without a unit": Wrong(
        'MINUTES = "3wd"', "MINUTES = 3", "limits.MINUTES", A_LIMIT, "3"
    ),
    "a time zone that is not": Wrong(
        '"Asia/Jakarta"',
        '"Asia/Jakata"',
        "timezone",
        "a time zone such as Asia/Jakarta",
        "Asia/Jakata",
    ),
    "an unknown kind": Wrong(
        "[limits.LETTER_REPLY]",
        'PROMISE = "3wd"\n[limits.LETTER_REPLY]',
        "limits.PROMISE",
        "one of the keys VERIFICATION, TRANSFER_ANSWER, ASSISTANCE_ANSWER, "
        "ASSISTANCE_ANSWER_EMERGENCY, ASSISTANCE_DELIVERY, MINUTES, FINE_PAYMENT, LETTER_REPLY",
        "PROMISE",
    ),
    "a missing limit": Wrong(
        'URGENT = "5wd"', "", "limits.LETTER_REPLY.URGENT", A_LIMIT, "nothing"
    ),
    "an immediate letter that may wait longer than an urgent one": Wrong(
        'IMMEDIATE = "1wd"',
        'IMMEDIATE = "6wd"',
        "limits.LETTER_REPLY.IMMEDIATE",
        "a limit not longer than limits.LETTER_REPLY.URGENT (5wd)",
        "6wd",
    ),
    "an urgent letter that may wait longer than a normal one, in hours": Wrong(
        'URGENT = "5wd"',
        'URGENT = "241h"',
        "limits.LETTER_REPLY.URGENT",
        "a limit not longer than limits.LETTER_REPLY.NORMAL (10wd)",
        "241h",
    ),
    "an emergency that may wait longer": Wrong(
        'EMERGENCY = "24h"',
        'EMERGENCY = "4wd"',
        "limits.ASSISTANCE_ANSWER_EMERGENCY",
        "a limit not longer than limits.ASSISTANCE_ANSWER (3wd)",
        "4wd",
    ),
    "a reminder before the beginning": Wrong(
        'before = ["1wd"]',
        'before = ["1wd", "3wd"]',
        "reminders.before[1]",
        "a time shorter than limits.VERIFICATION (3wd), or it gets no reminder",
        "3wd",
        "WARNING",
    ),
    "a reminder twice": Wrong(
        'before = ["1wd"]',
        'before = ["1wd", "1wd"]',
        "reminders.before[1]",
        "each reminder once",
        "1wd again",
    ),
    "a ladder without a step": Wrong(
        "days_between_levels = 3",
        "days_between_levels = 0",
        "escalation.days_between_levels",
        "a number of days from 1 to 9999",
        "0",
    ),
    "a cadence below a day": Wrong(
        "every_days = 30",
        "every_days = 0",
        "meeting_series[0].every_days",
        "a number of days from 1 to 9999",
        "0",
    ),
    "a meeting of nobody": Wrong(
        'chair = "kp2mi"\nmembers = ["kp2mi", "kemlu", "kemnaker", "polri", "kemensos"]',
        "members = []",
        "meeting_series[0].members",
        "the codes of at least one agency",
        "[]",
    ),
    "a chair who is no member": Wrong(
        'chair = "kp2mi"',
        'chair = "imigrasi"',
        "meeting_series[0].chair",
        "one of the members",
        "imigrasi",
    ),
    "a member twice": Wrong(
        '"kemnaker", "polri", "kemensos"]\n',
        '"kemnaker", "polri", "kp2mi"]\n',
        "meeting_series[0].members[4]",
        "each member once",
        "kp2mi again",
    ),
    "a meeting that may be as late as the next one": Wrong(
        "every_days = 30",
        "every_days = 30\ntolerance_days = 30",
        "meeting_series[0].tolerance_days",
        "fewer than every_days (30)",
        "30",
    ),
    "a first day that is no date": Wrong(
        "every_days = 30",
        "every_days = 30\nstarts = 2026",
        "meeting_series[0].starts",
        "a date such as 2026-01-31",
        "2026",
    ),
    "a series twice": Wrong(
        "[[meeting_series]]",
        '[[meeting_series]]\nseries = "rakor-pusat"\ntitle = "x"\nevery_days = 7\n'
        'members = ["polri"]\n[[meeting_series]]',
        "meeting_series[1].series",
        "each series once",
        "rakor-pusat again",
    ),
    "a consent for an unknown category": Wrong(
        "[consents]\n",
        '[consents]\nDEATH = ["kemlu"]\n',
        "consents.DEATH",
        "one of the keys TRAFFICKING",
        "DEATH",
    ),
    "a consent twice": Wrong(
        '["polri", "kemensos"]\n',
        '["polri", "polri"]\n',
        "consents.TRAFFICKING[1]",
        "each agency once",
        "polri again",
    ),
    "an agency in capitals": Wrong(
        '["polri", "kemensos"]\n',
        '["POLRI"]\n',
        "consents.TRAFFICKING[0]",
        "the code of an agency, such as kp2mi",
        "POLRI",
    ),
    "no version": Wrong('version = "pmi-1"\n', "", "version", "text that is not blank", "nothing"),
    "a table that is none": Wrong(
        "[escalation]\ndays_between_levels = 3", "[[escalation]]", "escalation", "a table", "[{}]"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_with_its_place_and_reason(name: str) -> None:
    wrong = WRONG[name]
    assert TEXT.count(wrong.old) == 1
    text = TEXT.replace(wrong.old, wrong.new)
    (finding,) = check_protocol(text)
    assert (finding.path, finding.expected, finding.found, finding.severity) == wrong[2:]
    last_key = re.sub(r"\[\d+\]", "", finding.path).rpartition(".")[2]
    line = text.splitlines()[finding.line - 1] if finding.line else ""
    if finding.found == "nothing":
        assert line in {"[limits.LETTER_REPLY]           # by the letter's urgency", ""}
    else:
        assert last_key in line
    assert str(finding) == f"{wrong.path}: expected {wrong.expected}, found {wrong.found}"


UNKNOWN_TO_THE_DIRECTORY = {
    "an arbiter that nobody knows": Wrong(
        'default_arbiter = "kp2mi"',
        'default_arbiter = "kpmi"',
        "default_arbiter",
        "an agency that the directory knows",
        "kpmi",
    ),
    "an arbiter without a role": Wrong(
        'default_arbiter = "kp2mi"',
        'default_arbiter = "sbmi"',
        "default_arbiter",
        "an agency with the role COORDINATOR or CUSTODIAN",
        "sbmi",
        "WARNING",
    ),
    "a consent of a stranger": Wrong(
        '["polri", "kemensos"]\n',
        '["polri", "depsos"]\n',
        "consents.TRAFFICKING[1]",
        "an agency that the directory knows",
        "depsos",
    ),
    "a member that nobody knows": Wrong(
        '"kemlu", "kemnaker", "polri"',
        '"deplu", "kemnaker", "polri"',
        "meeting_series[0].members[1]",
        "an agency that the directory knows",
        "deplu",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN_TO_THE_DIRECTORY)
def test_what_contradicts_the_directory_is_found_where_there_is_one(name: str) -> None:
    wrong = UNKNOWN_TO_THE_DIRECTORY[name]
    assert TEXT.count(wrong.old) == 1
    text = TEXT.replace(wrong.old, wrong.new).replace("pmi-1", "pmi-2")
    assert check_protocol(text) == []
    (finding,) = check_protocol(text, KNOWN)
    assert (finding.path, finding.expected, finding.found, finding.severity) == wrong[2:]


def test_a_ledger_that_knows_nobody_yet_contradicts_nothing() -> None:
    founded = [one for one in directory_log().latest.agencies() if one.kind == "SYSTEM"]
    assert check_protocol(TEXT, Known.among(founded)) == []


def test_the_ledger_itself_can_neither_consent_nor_rule() -> None:
    text = TEXT.replace('["polri", "kemensos"]\n', '["polri", "runut"]\n').replace("pmi-1", "pmi-2")
    assert [one.found for one in check_protocol(text, KNOWN)] == ["runut"]


def test_a_version_says_one_thing_for_ever() -> None:
    assert check_protocol(TEXT, KNOWN) == []
    (finding,) = check_protocol(TEXT.replace('MINUTES = "3wd"', 'MINUTES = "4wd"'), KNOWN)
    expected = "a version that was not published with another text"
    line = TEXT.splitlines().index('version = "pmi-1"') + 1
    assert finding == Finding("ERROR", "version", line, expected, "pmi-1")


def test_a_file_that_is_no_toml_has_the_line_where_it_stops_being_one() -> None:
    (finding,) = check_protocol('version = "pmi-1"\ntimezone = Asia/Jakarta\n')
    assert finding == Finding("ERROR", "", 2, "TOML", "Invalid value")
    assert str(finding) == "expected TOML, found Invalid value"


def test_everything_that_is_wrong_is_found_at_once_in_the_order_of_the_lines() -> None:
    replaced = [wrong for name, wrong in WRONG.items() if name in TOGETHER]
    text = TEXT
    for wrong in replaced:
        assert wrong.old in text
        text = text.replace(wrong.old, wrong.new)
    findings = check_protocol(text)
    assert {one.path for one in findings} == {wrong.path for wrong in replaced}
    assert len(findings) == len(replaced)
    lines = [one.line or 0 for one in findings]
    assert lines == sorted(lines)


TOGETHER = {
    "an unknown key",
    "a time zone that is not",
    "a limit in words",
    "an unknown kind",
    "an immediate letter that may wait longer than an urgent one",
    "an emergency that may wait longer",
    "a reminder twice",
    "a ladder without a step",
    "a consent for an unknown category",
    "a consent twice",
    "a cadence below a day",
    "a chair who is no member",
}


VALUES = st.sampled_from(
    ['"3wd"', '"0wd"', '"x"', "3", "0", "[]", '["1wd"]', "{}", "true", "2026-01-01", '""', "1.0"]
)
KEYS = [line.partition(" =")[0] for line in TEXT.splitlines() if " = " in line and line[0] != "#"]


@given(st.dictionaries(st.sampled_from(KEYS), VALUES | st.none(), max_size=4))
def test_a_file_without_an_error_is_one_that_the_reader_reads(
    changed: dict[str, str | None],
) -> None:
    text = TEXT
    for key, value in changed.items():
        line = "" if value is None else f"{key} = {value}"
        text = re.sub(rf"^{key} = .*$", line, text, flags=re.MULTILINE)
    errors = [one for one in check_protocol(text) if one.severity == "ERROR"]
    try:
        Protocol(text)
    except BadFile:
        assert errors
