"""What people see of meetings, agreements, agents and programmes."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cli.subject_tables import subject
from projections.folds.subject import fold_subject
from projections.portraits import Document
from projections.render import Standing, render_state
from projections.sentences import LOCAL_ZONE
from projections.wording import Lang, Voice
from tests.builders import directory_from, directory_log, on_subject, recorded, scenario

DIRECTORIES = directory_from()
AGENT = ("01-unpaid-wages", "agent/P3MI-SENTOSA")
MEETING = ("03-letter-never-answered", "meeting/RAKOR-2025-06")
AGREEMENT = ("06-agreement-breached-and-fined", "agreement/PKS-NTT-2026")


def shown(document: Document, lang: Lang) -> str:
    out = StringIO()
    voice = Voice(lang, directory_log().latest, LOCAL_ZONE)
    Console(file=out, width=200).print(subject(document, voice))
    return out.getvalue()


def told(name: str, about: str) -> Document:
    folded = fold_subject(on_subject(scenario(name), about), DIRECTORIES)
    return render_state(Standing.of(about, folded), datetime(2025, 8, 1, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("story", "lang", "words"),
    [
        (AGENT, "id", ("dihentikan sementara", "21 Oktober 2025", "42.000.000")),
        (AGENT, "en", ("suspended", "21 October 2025", "42,000,000")),
        (MEETING, "id", ("notula disahkan", "tidak hadir", "kbri-kl, kemlu, kp2mi")),
        (MEETING, "en", ("minutes adopted", "absent", "1 fulfilled late")),
        (AGREEMENT, "id", ("berlaku", "Rp2.000.000", "dibayar")),
        (AGREEMENT, "en", ("in force", "IDR 2,000,000", "paid")),
    ],
)
def test_a_subject_is_told_in_the_readers_words(
    story: tuple[str, str], lang: Lang, words: tuple[str, ...]
) -> None:
    page = shown(told(*story), lang)
    assert [word for word in words if word not in page] == []


def test_a_programme_shows_its_desks_and_its_outreach() -> None:
    about: dict[str, Any] = {"subject": "programme/LTSA-KUPANG", "agency": "pemprov-ntt"}
    point = {"kind": "LTSA", "name": "LTSA Kupang", "region": "ID-NT", "status": "ACTIVE"}
    outreach = {"kind": "TRAINING", "phase": "BEFORE", "region": "ID-NT", "participants": 40}
    at = "2026-05-04T09:00:00+08:00"
    records = [
        recorded(
            {
                **about,
                "type": "ServicePointUpdated",
                "occurred_at": at,
                "data": {**point, "desks": ["POLICE", "HEALTH"]},
            },
            1,
        ),
        recorded(
            {
                **about,
                "type": "OutreachHeld",
                "occurred_at": at,
                "data": {**outreach, "partners": ["desa-oebelo"]},
            },
            2,
        ),
    ]
    folded = fold_subject(records, DIRECTORIES)
    standing = Standing.of("programme/LTSA-KUPANG", folded)
    page = shown(render_state(standing, datetime(2026, 6, 1, tzinfo=UTC), None), "id")
    wanted = ("aktif", "kesehatan, polisi", "pelatihan", "40", "desa-oebelo")
    assert [word for word in wanted if word not in page] == []
