"""Problem documents: what is told of each error, and what is not."""

from __future__ import annotations

import inspect

import pytest

from runut import errors
from runut.errors import RunutError
from runut.problems import plain_problem, problem_of

SECRET = "postgresql://10.1.2.3:5432/srv/runut/keys"

EXAMPLES: list[tuple[RunutError, int, str]] = [
    (errors.BadInput("role", "one", "none"), 422, "bad-input"),
    (errors.FieldError("data.to[1]", "an agency", 5), 422, "bad-field"),
    (errors.NotAnEvent("value", "a frame", b""), 422, "bad-input"),
    (errors.BadFile(SECRET, "TOML", SECRET), 500, "internal-error"),
    (errors.TooLarge("body", 1024), 413, "too-large"),
    (errors.TooSlow("body", 60), 408, "too-slow"),
    (errors.Unauthenticated("none"), 401, "unauthenticated"),
    (errors.Forbidden("force", "a right"), 403, "forbidden"),
    (errors.TooManyRequests("events of kemlu", "5 a second", 1.5), 429, "too-many-requests"),
    (errors.Busy("1000 requests", 1.0), 503, "busy"),
    (errors.NotFound("case/X", "none"), 404, "not-found"),
    (errors.Refused("CaseClosed", "case/X", ("NOT_CUSTODIAN",)), 409, "irregular"),
    (errors.AlreadyRecorded("kemlu", "4f"), 409, "already-recorded"),
    (errors.MissingKey("kemlu", SECRET), 422, "missing-key"),
    (errors.Unreachable("Kafka", SECRET, "start it"), 503, "unavailable"),
    (errors.NotAdmitted("Kafka", SECRET, SECRET, "log in"), 503, "unavailable"),
    (errors.NotOpen(SECRET), 503, "unavailable"),
    (errors.NotRecorded("runut.events", 1, SECRET), 503, "not-recorded"),
    (errors.PlatformError(SECRET), 503, "not-ready"),
    (errors.NotYetProjected(1, 17, 5.0), 409, "not-yet-projected"),
    (errors.SpoolFull(SECRET, 1), 500, "internal-error"),
    (errors.LedgerMismatch(SECRET), 500, "internal-error"),
    (errors.SealMismatch(3, SECRET, "a", "b"), 500, "internal-error"),
    (errors.FencedOut(1, 2), 500, "internal-error"),
    (errors.NotDelivered(SECRET), 500, "internal-error"),
    (errors.SettingError(SECRET), 500, "internal-error"),
]


@pytest.mark.parametrize(("error", "status", "name"), EXAMPLES, ids=lambda each: str(each)[:20])
def test_each_error_has_its_status_and_type(error: RunutError, status: int, name: str) -> None:
    found = problem_of(error).document()
    assert (found["status"], found["type"]) == (status, f"urn:runut:problem:{name}")
    assert found["title"]
    assert found["detail"]
    assert SECRET not in str(found)


def test_no_error_is_forgotten() -> None:
    classes = {
        one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, RunutError)
    }
    tried = {type(error) for error, *_ in EXAMPLES}
    assert classes - tried == {RunutError}


def test_a_wrong_field_is_named_with_what_was_expected_and_found() -> None:
    found = problem_of(errors.FieldError("data.to[1]", "an agency", 5)).document()
    assert (found["field"], found["expected"], found["found"]) == ("data.to[1]", "an agency", "5")
    assert found["detail"] == "data.to[1]: expected an agency, found 5"


def test_what_was_found_is_shown_in_short() -> None:
    found = problem_of(errors.FieldError("data", "a text", "x" * 1_000_000)).document()
    assert len(found["found"]) <= 120


def test_a_refused_event_has_its_codes() -> None:
    error = errors.Refused("CaseClosed", "case/X", ("NOT_CUSTODIAN", "BAD_STATE"))
    assert problem_of(error).document()["codes"] == ("NOT_CUSTODIAN", "BAD_STATE")


@pytest.mark.parametrize(("after", "shown"), [(0.001, 1), (1.5, 2), (30.0, 30)])
def test_when_to_try_again_is_in_whole_seconds(after: float, shown: int) -> None:
    found = problem_of(errors.TooManyRequests("events", "5 a second", after)).document()
    assert found["retry_after_s"] == shown


def test_nothing_is_told_of_an_error_that_nobody_expected() -> None:
    found = problem_of(KeyError(SECRET), trace_id="4f").document()
    assert found["status"] == 500
    assert SECRET not in str(found)
    assert found["trace_id"] == "4f"


def test_members_that_do_not_apply_are_left_out() -> None:
    found = plain_problem(404, "Not Found", "no such place").document()
    assert found == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no such place",
    }
