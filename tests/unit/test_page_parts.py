"""The pure parts of pages: countdowns, turns, threads, the slider, addresses, languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from babel.messages.pofile import read_po
from starlette.requests import Request

from dashboard.pages.addresses import address, address_of, here, is_own_path
from dashboard.pages.languages import language_of
from dashboard.pages.limits import Countdown, countdown, working_days
from dashboard.pages.moments import moment_of, slider
from dashboard.pages.routing import said_something
from dashboard.pages.threads import threads
from dashboard.pages.turns import whose_turn
from runut.calendar import Calendar
from runut.rfc3339 import parse_time
from tests.builders import directory_log
from tools import catalogues

PLACEHOLDER = re.compile(r"%\([a-z]+\)s")
CASE = {"status": "IN_HANDLING", "custodian": "kp2mi"}


@pytest.mark.parametrize(
    ("due_at", "found"),
    [
        ("2025-04-09T16:59:59Z", Countdown(False, 3, False)),  # the holidays of Eid lie between
        ("2025-03-26T16:59:59Z", Countdown(False, 0, True)),
        ("2025-03-26T01:00:00Z", Countdown(True, 0, True)),
        ("2025-03-24T16:59:59Z", Countdown(True, 2, False)),
        ("2027-03-26T16:59:59Z", Countdown(False, None, False)),
        ("9999-12-31T23:59:59Z", Countdown(False, None, False)),
    ],
)
def test_working_days_are_counted_as_limits_are(due_at: str, found: Countdown) -> None:
    moment = parse_time("2025-03-26T09:00:00+07:00")
    assert countdown(parse_time(due_at), moment, directory_log().latest) == found


def test_the_day_of_the_limit_counts_and_that_of_the_moment_does_not() -> None:
    monday = datetime(2025, 6, 2, tzinfo=UTC).date()
    assert working_days(Calendar(), monday, monday) == 0
    assert working_days(Calendar(), monday, monday + timedelta(7)) == 5


def owed(status: str, due_at: str | None, debtor: str = "kbri-kl") -> dict[str, Any]:
    return {
        "commitment_id": f"C{due_at}",
        "status": status,
        "due_at": due_at,
        "debtor": debtor,
        "creditor": "kp2mi",
    }


def test_whose_turn_it_is_says_the_earliest_limit() -> None:
    later, sooner, never = (
        owed("OPEN", "2025-06-02T00:00:00Z"),
        owed("OPEN", "2025-06-01T00:00:00Z", "polri"),
        owed("OPEN", None, "kemlu"),
    )
    turn = whose_turn(CASE, [never, later, sooner])
    assert turn is not None
    assert (turn.agency, turn.doing, turn.commitment) == ("polri", "DO", sooner)


def test_what_is_reported_waits_for_its_creditor_and_what_is_proposed_for_its_debtor() -> None:
    reported, proposed = whose_turn(CASE, [owed("REPORTED", None)]), owed("PROPOSED", None)
    assert reported is not None
    assert (reported.agency, reported.doing) == ("kp2mi", "REVIEW")
    answer = whose_turn(CASE, [proposed])
    assert answer is not None
    assert (answer.agency, answer.doing) == ("kbri-kl", "ANSWER")


def test_where_nobody_owes_anything_it_is_the_custodians_turn_until_it_is_over() -> None:
    turn = whose_turn(CASE, [owed("FULFILLED", None)])
    assert turn is not None
    assert (turn.agency, turn.doing) == ("kp2mi", "HANDLE")
    assert whose_turn({**CASE, "status": "CLOSED"}, []) is None
    fine = whose_turn({"status": "ENDED"}, [owed("OPEN", None)])
    assert fine is not None
    assert fine.agency == "kbri-kl"
    assert whose_turn({"status": "HELD"}, []) is None


def letter(letter_id: str, day: int, in_reply_to: str | None = None) -> dict[str, Any]:
    return {"letter_id": letter_id, "sent_at": f"2025-06-{day:02}", "in_reply_to": in_reply_to}


def test_answers_stand_below_what_they_answer_and_nothing_below_itself() -> None:
    found = threads([letter("C", 3, "B"), letter("A", 1), letter("B", 2, "A"), letter("S", 4, "S")])
    assert [one.letter["letter_id"] for one in found] == ["A", "S"]
    (answer,) = found[0].answers
    assert answer.letter["letter_id"] == "B"
    assert [one.letter["letter_id"] for one in answer.answers] == ["C"]
    circle = threads([letter("X", 1, "Y"), letter("Y", 2, "X")])
    assert [one.letter["letter_id"] for one in circle] == ["X"]


def test_a_step_of_the_slider_is_a_moment_and_back() -> None:
    day = datetime(2025, 6, 1, tzinfo=UTC)
    # Recorded in this order, though the second occurred first.
    known = [(day + timedelta(1), day), (day + timedelta(2), day - timedelta(5))]
    assert moment_of(known, "occurred", 1) == day - timedelta(5)
    assert moment_of(known, "recorded", 1) == day + timedelta(1)
    assert moment_of(known, "recorded", 2) is None
    assert moment_of(known, "occurred", 3) is None
    assert slider(known, "recorded", day + timedelta(1)).step == 1
    assert slider(known, "recorded", None).step == 2


@pytest.mark.parametrize("text", ["//x", "/\\x", "https://x", "", "x", "/a\nb"])
def test_an_address_elsewhere_is_no_path_of_ours(text: str) -> None:
    assert not is_own_path(text)
    assert is_own_path("/cases/X?as_of=1")


def request(query: str = "", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/cases",
            "query_string": query.encode(),
            "headers": given,
            "server": ("x", 80),
        }
    )


def test_addresses_say_what_is_asked_and_nothing_else() -> None:
    assert address("/cases", status="OPEN", urgency=None, page=0) == "/cases?status=OPEN"
    assert address_of("case/X.1") == "/cases/X.1"
    assert address_of("nothing") is None
    turned = urlsplit(here(request("a=1&page=2&b=%26"), page=3, a=None))
    assert (turned.path, turned.query) == ("/cases", "b=%26&page=3")
    assert said_something(b"status=&urgency=URGENT&x=") == b"urgency=URGENT"


@pytest.mark.parametrize(
    ("query", "headers", "lang"),
    [
        ("", {}, "id"),
        ("", {"accept_language": "en-GB,en;q=0.9"}, "en"),
        ("", {"accept_language": "de, id;q=0.3, en;q=0.7"}, "en"),
        ("", {"accept_language": "en;q=0, id;q=nonsense"}, "id"),
        ("", {"accept_language": "en", "cookie": "runut_lang=id"}, "id"),
        ("lang=en", {"cookie": "runut_lang=id"}, "en"),
        ("lang=de", {"accept_language": "fr"}, "id"),
    ],
)
def test_a_language_is_the_one_chosen_else_the_browsers_else_indonesian(
    query: str, headers: dict[str, str], lang: str
) -> None:
    assert language_of(request(query, **headers)) == lang


def test_the_catalogue_says_in_indonesian_all_that_the_pages_say() -> None:
    assert catalogues.FILE.read_bytes() == catalogues.text(), "run: python tools/catalogues.py"
    with catalogues.FILE.open("rb") as file:
        messages = [one for one in read_po(file, locale="id") if one.id]
    assert len(messages) > 200
    for one in messages:
        english = one.id if isinstance(one.id, str) else one.id[0]
        said = one.string if isinstance(one.string, str) else one.string[0]
        assert said, english
        assert sorted(PLACEHOLDER.findall(said)) == sorted(PLACEHOLDER.findall(english))
