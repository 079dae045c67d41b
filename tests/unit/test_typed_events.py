"""Events with classes of their own: the same as in the JSON form, and kept true to the schemas."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

import runut.events
from runut.catalogue import catalogue
from runut.errors import FieldError
from runut.event import LEDGER_KINDS, Event
from runut.events import (
    AgreementProposed,
    Attachment,
    CaseReported,
    Clause,
    ContactLogged,
    FineSchedule,
    LetterSent,
    Party,
    PersonRef,
    Urgency,
)
from runut.json_form import from_json
from runut.typed_event import TypedEvent
from tools import typed_events

WIB = timezone(timedelta(hours=7))
MAY_8 = datetime(2025, 5, 8, 10, tzinfo=WIB)
EVENT_ID = "01970f7e-5a10-7c3e-9d52-2b1f6a0c4e11"


def letter(**changed: Any) -> LetterSent:
    given: dict[str, Any] = {
        "letter_id": "L1",
        "number": "B.1/2025",
        "dated": date(2025, 5, 8),
        "doc_type": "OFFICIAL_LETTER",
        "urgency": "URGENT",
        "title": "Permintaan klarifikasi",
        "to": ["kemlu", "polri"],
        "reply_expected": True,
    }
    return LetterSent(**{**given, **changed})


def on_case(event: TypedEvent, **meta: Any) -> Event:
    return event.on("case/X", agency="kp2mi", occurred_at=MAY_8, event_id=EVENT_ID, **meta)


def as_json(event_type: str, data: dict[str, Any], **meta: Any) -> Event:
    about = {"type": event_type, "subject": "case/X", "agency": "kp2mi", "event_id": EVENT_ID}
    return from_json({**about, "occurred_at": "2025-05-08T10:00:00+07:00", "data": data, **meta})


def test_the_classes_are_those_of_the_schemas() -> None:
    found = {file.name: file.read_text() for file in typed_events.PACKAGE.glob("*.py")}
    assert found == typed_events.modules(), "run: python tools/typed_events.py"


def test_every_event_of_an_agency_has_a_class_with_its_fields() -> None:
    for event_type in catalogue():
        if event_type.kinds.isdisjoint(LEDGER_KINDS):
            assert not hasattr(runut.events, event_type.name)
            continue
        made = getattr(runut.events, event_type.name)
        _meta, *fields = [field["name"] for field in event_type.schema["fields"]]
        assert list(made.__struct_encode_fields__) == fields
        assert made.__doc__.replace("\n    ", " ").startswith(event_type.schema["doc"])
    assert sorted(runut.events.__all__) == runut.events.__all__


def test_a_typed_event_is_the_event_of_its_json_form() -> None:
    due = datetime(2025, 5, 15, 9, tzinfo=UTC)
    made = on_case(
        letter(
            reply_due_at=due,
            attachments=(Attachment(name="a.pdf", media_type="-", bytes=7, sha256="00"),),
        ),
        channel="LETTER",
        causation_id=UUID(EVENT_ID),
        private=PersonRef(person_id="p", sealed=b"\x00\xff", key_id="k"),
    )
    assert made == as_json(
        "LetterSent",
        {
            "letter_id": "L1",
            "number": "B.1/2025",
            "dated": "2025-05-08",
            "doc_type": "OFFICIAL_LETTER",
            "urgency": "URGENT",
            "title": "Permintaan klarifikasi",
            "to": ["kemlu", "polri"],
            "reply_expected": True,
            "reply_due_at": "2025-05-15T09:00:00Z",
            "attachments": [{"name": "a.pdf", "media_type": "-", "bytes": 7, "sha256": "00"}],
        },
        channel="LETTER",
        causation_id=EVENT_ID,
        private={"person_id": "p", "sealed": "AP8=", "key_id": "k"},
    )


def test_amounts_are_decimals_and_records_stand_in_lists() -> None:
    made = AgreementProposed(
        title="PKS",
        parties=["kp2mi", "polri"],
        secretariat="kp2mi",
        clauses=[Clause(clause_id="C1", text="-", debtor="polri", every_days=30)],
        fines=[FineSchedule(clause_id="C1", amount=Decimal(5000000), currency="IDR")],
        fund="Dana",
        valid_to=date(2027, 12, 31),
    ).on("agreement/A", agency="kp2mi")
    assert made.data["fines"] == [
        {"clause_id": "C1", "amount": Decimal("5000000.00"), "currency": "IDR"}
    ]
    assert made.data["clauses"][0]["every_days"] == 30
    assert made.data["valid_to"] == date(2027, 12, 31)


def test_a_word_of_pythons_own_has_an_underscore_and_keeps_its_name_in_the_ledger() -> None:
    contact = ContactLogged(
        contact_id="K1", mode="PHONE", direction="OUTGOING", with_=["kemlu"], summary="-"
    )
    assert on_case(contact).data["with"] == ["kemlu"]
    wrong = msgspec.structs.replace(contact, with_=["kemlu", 7])
    with pytest.raises(FieldError, match=r"^data\.with\[1\]: expected text, found 7"):
        on_case(wrong)


def test_it_happened_now_where_nothing_is_said() -> None:
    before = datetime.now(UTC)
    made = letter().on("case/X", agency="kp2mi")
    assert before <= made.occurred_at <= datetime.now(UTC)
    assert made.event_id != letter().on("case/X", agency="kp2mi").event_id


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"urgency": "SOON"}, "data.urgency: expected one of IMMEDIATE, URGENT, NORMAL"),
        ({"urgency": "UNSPECIFIED"}, "data.urgency: expected one of IMMEDIATE, URGENT, NORMAL"),
        ({"to": "kemlu"}, "data.to: expected a list"),
        ({"to": ["kemlu", None]}, "data.to[1]: expected text"),
        ({"dated": MAY_8}, "data.dated: expected a date"),
        ({"reply_due_at": datetime(2025, 5, 8)}, "data.reply_due_at: expected an RFC 3339 time"),
        ({"title": object()}, "data.title: expected text"),
        ({"attachments": [7]}, "data.attachments[0]: expected an object (Attachment)"),
        (
            {"attachments": [Party(kind="EMPLOYER", ref="r")]},
            "data.attachments[0].",
        ),
    ],
)
def test_what_is_wrong_is_named_as_in_the_json_form(changed: dict[str, Any], expected: str) -> None:
    with pytest.raises(FieldError) as found:
        on_case(letter(**changed))
    assert str(found.value).startswith(expected)


def test_wrong_fields_and_meta_are_named() -> None:
    with pytest.raises(TypeError, match="Unexpected keyword argument 'titel'"):
        letter(titel="-")
    with pytest.raises(TypeError, match="Missing required argument 'letter_id'"):
        LetterSent()  # type: ignore[call-arg]
    with pytest.raises(FieldError, match=r"^chanel: expected a known field"):
        on_case(letter(), chanel="LETTER")
    with pytest.raises(FieldError, match=r"^subject: expected case/ID"):
        letter().on("meeting/M", agency="kp2mi")


def test_words_of_a_list_are_those_of_the_schema_that_may_be_written() -> None:
    assert get_args(Urgency) == ("IMMEDIATE", "URGENT", "NORMAL")
    assert CaseReported.__struct_encode_fields__[0] == "category"
