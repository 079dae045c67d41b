"""What a row of the outbox says, and what is printed to make one."""

from __future__ import annotations

import re

import orjson
import pytest

from producers.outbox.positions import SHARDS
from producers.outbox.rows import Row, event_of, trace_of
from producers.outbox.source import address_of, ddl, grants
from runut.errors import BadInput, FieldError
from runut.event import AgencyCode, Event

KP2MI = AgencyCode("kp2mi")
ROW = Row(
    id="01970f7e-5a10-7c3e-9d52-2b1f6a0c4e11",
    aggregatetype="case",
    aggregateid="KP2MI-2025-0001",
    version=7,
    type="CaseResolved",
    occurred_at="2025-05-08T10:00:00.123456+07:00",
    payload='{"outcome": "Dibayar.", "amount": "5000000.00", "currency": "IDR"}',
    meta='{"legal_basis": "UU 18/2017 Ps 21"}',
    size=100,
    xid="1",
    skipped=False,
    found=1,
)


def sent(row: Row) -> tuple[str | None, Event]:
    """What the relay reads of a row."""
    return trace_of(row), event_of(row, KP2MI)


def test_a_row_is_the_same_event_each_time_it_is_sent() -> None:
    event = event_of(ROW, KP2MI)
    assert event == event_of(ROW, KP2MI)
    assert (event.event_id, event.subject, event.agency) == (ROW.id, "case/KP2MI-2025-0001", KP2MI)
    assert event.occurred_at.isoformat() == "2025-05-08T03:00:00.123456+00:00"
    assert event.meta["legal_basis"] == "UU 18/2017 Ps 21"
    assert str(event.data["amount"]) == "5000000.00"


def test_a_row_may_say_in_which_trace_it_was_inserted() -> None:
    header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    traced = ROW._replace(meta=orjson.dumps({"channel": "CALL", "traceparent": header}).decode())
    assert (trace_of(ROW), trace_of(traced)) == (None, header)
    assert event_of(traced, KP2MI).meta["channel"] == "CALL"
    wrong = ROW._replace(meta='{"traceparent": 7}')
    assert trace_of(wrong) is None
    with pytest.raises(FieldError, match=r"^meta\.traceparent: expected text"):
        event_of(wrong, KP2MI)


@pytest.mark.parametrize("field", ["type", "subject", "event_id", "occurred_at", "data", "agency"])
def test_meta_says_nothing_that_another_column_says(field: str) -> None:
    meta = orjson.dumps({"channel": "CALL", field: "another"}).decode()
    with pytest.raises(FieldError, match=rf"meta\.{field}: expected no such field: it is "):
        event_of(ROW._replace(meta=meta), KP2MI)


def test_an_amount_that_is_no_text_is_refused_as_in_any_json() -> None:
    payload = '{"outcome": "Dibayar.", "amount": 5000000.00}'
    with pytest.raises(FieldError, match=r"data\.amount: expected an amount as text"):
        event_of(ROW._replace(payload=payload), KP2MI)


DEEP = "[" * 2_000 + "]" * 2_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            ROW._replace(payload=f'{{"outcome": 1{"0" * 400}}}'),
            r"^data\.outcome: expected text, found 1000",
        ),
        (
            ROW._replace(payload=f'{{"outcome": 1{"0" * 5_000}}}'),
            "^data: expected JSON, found a number of thousands of digits",
        ),
        (
            ROW._replace(payload=f'{{"outcome": {DEEP}}}'),
            "^data: expected JSON, found values within values, too deep",
        ),
        (ROW._replace(meta=f'{{"channel": {DEEP}}}'), "^meta: expected JSON, found values within"),
        (ROW._replace(meta=f'{{"traceparent": {DEEP}}}'), "^meta: expected JSON, found values"),
    ],
)
def test_jsonb_that_no_parser_takes_is_a_refusal_by_field(row: Row, reason: str) -> None:
    with pytest.raises(FieldError, match=reason):
        sent(row)


def test_there_are_as_many_shards_as_the_tables_have() -> None:
    assert re.findall(r"& (\d+)\)::smallint", ddl()) == [str(SHARDS - 1)]
    assert re.findall(r"generate_series\(0, (\d+)\)", ddl()) == [str(SHARDS - 1)]


def test_roles_are_quoted_where_rights_are_granted() -> None:
    assert 'ON runut_outbox.position TO "relay""; DROP";' in grants("relay", 'relay"; DROP')


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://app:secret@db.kp2mi.go.id:5433/cases", "db.kp2mi.go.id:5433/cases"),
        ("postgresql://db/cases", "db:5432/cases"),
        ("host=db dbname=cases password=secret", "db:5432/cases"),
    ],
)
def test_the_address_of_a_source_is_shown_without_its_password(url: str, address: str) -> None:
    assert address_of(url) == address


def test_what_is_no_address_is_not_shown_since_it_may_be_a_password() -> None:
    with pytest.raises(BadInput, match="source: expected an address such as") as refused:
        address_of("correct horse battery staple")
    assert "horse" not in str(refused.value)
