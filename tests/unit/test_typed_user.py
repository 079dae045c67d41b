"""A typed program of an agency, as mypy sees it against the installed package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal

from runut import Kept, Producer, Receipt, SpoolingProducer, SyncProducer, SyncSpoolingProducer
from runut.events import Attachment, CaseResolved, ContactLogged, LetterSent, Meta, PersonRef
from runut.settings import load_settings

LETTER = LetterSent(
    letter_id="L1",
    number="B.1/2025",
    dated=date(2025, 5, 8),
    doc_type="OFFICIAL_LETTER",
    urgency="URGENT",
    title="Permintaan klarifikasi",
    to=["kemlu"],
    attachments=[Attachment(name="a.pdf", media_type="application/pdf", bytes=1, sha256="00")],
    reply_expected=True,
    reply_due_at=datetime(2025, 5, 15, tzinfo=UTC),
)
META: Meta = {"channel": "LETTER", "private": PersonRef(person_id="p")}


async def main() -> list[Receipt | Kept]:
    async with Producer(load_settings()) as producer:
        first = await producer.emit(LETTER, subject="case/X", agency="kp2mi", **META)
        paid = CaseResolved(outcome="Dibayar.", amount=Decimal("5000000.00"), currency="IDR")
        second = await (await producer.send(paid.on("case/X", agency="kp2mi")))
        data = {"result": "VERIFIED", "note": "-"}
        third = await producer.emit("CaseVerified", subject="case/X", agency="kp2mi", data=data)
    async with SpoolingProducer(load_settings(), "events.spool") as spooling:
        kept = await spooling.emit(LETTER, subject="case/X", agency="kp2mi")
    return [first, second, third, kept]


def without_a_loop() -> list[Receipt | Kept]:
    contact = ContactLogged(
        contact_id="K1", mode="PHONE", direction="OUTGOING", with_=("kemlu",), summary="-"
    )
    with SyncProducer(load_settings(), delivery_timeout_s=5) as producer:
        receipt: Receipt = producer.emit(contact, subject="case/X", agency="kp2mi", channel="CALL")
    with SyncSpoolingProducer(load_settings(), "events.spool") as spooling:
        kept: Kept = spooling.emit(contact, subject="case/X", agency="kp2mi")
    return [receipt, kept]


asyncio.run(main())
"""

BAD = """
from datetime import datetime

from runut import Producer, SyncProducer
from runut.events import CaseResolved, CaseVerified, LetterReceived
from runut.settings import load_settings

CaseVerified(result="VERIFIED", notes="-")  # wrong: call-arg
CaseVerified(result="TRUE", note="-")  # wrong: arg-type
CaseVerified("VERIFIED", "-")  # wrong: call-arg
CaseResolved(outcome="-", amount=5000000.0, currency="IDR")  # wrong: arg-type
letter = LetterReceived(letter_id="L1", agenda_number="1")
letter.letter_id = "L2"  # wrong: misc
letter.on("case/X", agency="kp2mi", chanel="LETTER")  # wrong: call-arg
letter.on("case/X", agency="kp2mi", channel="FAX")  # wrong: arg-type
letter.on("case/X")  # wrong: call-arg


async def main(kp2mi: Producer) -> None:
    await kp2mi.emit(letter, subject="case/X")  # wrong: call-overload
    await kp2mi.emit(letter, subject="case/X", agency="a", channel="FAX")  # wrong: call-overload
    offset: str = (await kp2mi.emit(letter, subject="-", agency="a")).offset  # wrong: assignment


with SyncProducer(load_settings(), delivery_timeout=5) as sync:  # wrong: call-arg
    sync.emit(letter, subject="case/X", agency="kp2mi", colour="red")  # wrong: call-overload
"""


@pytest.fixture
def checked(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """What mypy says about both programs, somewhere else than in our tree."""
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    cache = request.config.cache.mkdir("mypy") if request.config.cache else tmp_path
    options = ["--strict", "--no-pretty", "--no-error-summary", "--hide-error-context"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--cache-dir", cache, "good.py", "bad.py"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_what_is_right_passes_and_what_is_wrong_is_found_where_it_stands(checked: str) -> None:
    found: dict[int, set[str]] = {}
    for line, code in re.findall(r"^bad\.py:(\d+): error: .*\[([\w-]+)\]$", checked, re.MULTILINE):
        found.setdefault(int(line), set()).add(code)
    marked = {
        number: set(line.partition("# wrong: ")[2].split())
        for number, line in enumerate(BAD.split("\n"), 1)
        if "# wrong: " in line
    }
    assert found == marked, checked
    assert "good.py" not in checked
