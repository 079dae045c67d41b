"""What notices say: every kind, in both languages, and nothing that anybody typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from consumers.mail import letter
from consumers.webhook import cloud_event
from projections.notice_words import text, title
from projections.notices import Notice, NoticeKind
from projections.wording import LANGS, Lang
from tests.builders import directory_from, directory_records

DIRECTORY = directory_from()(len(directory_records()) - 1)
AT = datetime(2026, 1, 5, 3, tzinfo=UTC)
DUE_AT = datetime(2026, 1, 5, 16, 59, 59, tzinfo=UTC)
NOTICE_ID = "00000000-0000-5000-8000-000000000000"


def notice(kind: NoticeKind, due_at: datetime | None = DUE_AT, agency: str = "kp2mi") -> Notice:
    return Notice(NOTICE_ID, agency, kind, "case/X-1", "JANJI-7", due_at, AT)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_every_kind_names_what_it_is_about_where_and_until_when(
    kind: NoticeKind, lang: Lang
) -> None:
    said = text(notice(kind), DIRECTORY, lang)
    assert "JANJI-7" in said
    assert {"id": "kasus X-1", "en": "case X-1"}[lang] in said
    assert {"id": "5 Januari 2026", "en": "5 January 2026"}[lang] in said
    assert {"id": "kasus X-1", "en": "case X-1"}[lang] in title(notice(kind), DIRECTORY, lang)


@pytest.mark.parametrize("kind", get_args(NoticeKind))
def test_without_a_limit_nothing_is_said_about_one(kind: NoticeKind) -> None:
    with_limit = text(notice(kind), DIRECTORY, "en")
    without = text(notice(kind, due_at=None), DIRECTORY, "en")
    assert with_limit.startswith(f"{without} ")
    assert without.endswith(".")


def test_the_time_is_told_in_the_agencys_own_zone() -> None:
    assert "23.59 WIB" in text(notice("REMINDER"), DIRECTORY, "id")
    assert "6 January 2026 at 00:59 UTC+08" in text(
        notice("REMINDER", agency="kbri-kl"), DIRECTORY, "en"
    )
    assert "23.59 WIB" in text(notice("REMINDER", agency="unknown"), DIRECTORY, "id")


def test_what_is_sent_holds_codes_ids_and_times_alone() -> None:
    event = cloud_event(notice("LETTER", due_at=None), DIRECTORY)
    assert event == {
        "specversion": "1.0",
        "id": NOTICE_ID,
        "source": "/ledgers/test",
        "type": "runut.notices.Letter",
        "subject": "case/X-1",
        "time": "2026-01-05T03:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "agency": "kp2mi",
            "kind": "LETTER",
            "about": "JANJI-7",
            "due_at": None,
            "text": {
                "id": "Surat JANJI-7 pada kasus X-1 ditujukan kepada instansi Anda.",
                "en": "Letter JANJI-7 on case X-1 is addressed to your agency.",
            },
        },
    }


def test_braces_in_an_id_are_no_template() -> None:
    odd = Notice(NOTICE_ID, "kp2mi", "LETTER", "case/X", "{due_at}{x}", None, AT)
    assert "{due_at}{x}" in text(odd, DIRECTORY, "en")


def test_a_line_end_in_an_id_starts_no_header() -> None:
    odd = Notice(NOTICE_ID, "kp2mi", "LETTER", "case/X\r\nBcc: a@b", "L\r\nBcc: a@b", None, AT)
    message = letter(odd, DIRECTORY, sender="runut@ledger.example", to="x@example.org")
    assert message["Bcc"] is None
    assert b"\nBcc:" not in message.as_bytes()
