"""What single pages and documents have to say, held to a recount."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.acceptance.counted import Json
from tests.page_tables import PageTables, hours, number
from tests.recount import OPEN, ZONE, Recount, grouped, middle, percentile

ABOUT = 0.051
"""Pages tell one decimal."""
URGENCIES = ("IMMEDIATE", "URGENT", "NORMAL")
LISTED = 25
"""Rows of each list on an agency's page."""
NEVER = datetime.max.replace(tzinfo=UTC)


def compare_overview(found: PageTables, now: Recount) -> None:
    cases = Counter((one["status"], one["urgency"]) for one in now.open_cases.values())
    table = [[number(cell) for cell in row[1:]] for row in found.rows("h-cases")]
    wanted = [[*(cases[status, one] for one in URGENCIES)] for status in OPEN]
    wanted.append([sum(column) for column in zip(*wanted, strict=True)])
    assert table == [[*row, sum(row)] for row in wanted]
    missed_since = (now.moment - timedelta(days=90)).date()
    missed = [day for one in now.series().values() for day in one.missed_on if day >= missed_since]
    figures = {
        "open": len(now.open_cases),
        "overdue": len(now.overdue),
        "today": now.due_today(),
        "still": now.still(14),
        "bounced": now.bounced(30),
        "escalate": sum(one["streak"] >= 2 for one in now.open_cases.values()),
        "missed": len(missed),
    }
    assert {name: number(found.text(f"figure-{name}")) for name in figures} == figures
    still = [int(word) for word in found.text("still").split() if word.isdigit()]
    assert still == [n for days in (7, 14, 30) for n in (days, now.still(days))]
    late = grouped(now.overdue, lambda one: one["debtor"])
    first = sorted(late.values(), key=lambda some: (-len(some), some[0]["debtor"]))[:12]
    assert [number(row[1]) for row in found.rows("h-overdue")] == [len(some) for some in first]
    recorded_at = max(one.recorded_at for one in now.records).astimezone(ZONE)
    assert f"{recorded_at.day} {recorded_at:%b %Y %H:%M}" in found.text("ledger")


def compare_agency(found: PageTables, now: Recount, code: str) -> None:
    pending = [one for one in now.commitments if one["status"] in ("PROPOSED", "OPEN", "REPORTED")]
    figures = [int(word) for word in found.text("figures").split() if word.isdigit()]
    assert figures == [
        sum(one["custodian"] == code for one in now.open_cases.values()),
        sum(one["debtor"] == code for one in pending),
        sum(one["debtor"] == code for one in now.overdue),
        sum(one["creditor"] == code for one in pending),
    ]
    compare_lists(found, now, pending, code)
    kept = sorted(tuple(map(number, row[1:4])) for row in found.rows("h-kept"))
    assert kept == sorted(tuple(row[1:]) for row in kept_by(now, code))
    for row in found.rows("h-kept"):
        in_time, late, broken = map(number, row[1:4])
        assert abs(int(row[4].rstrip("%")) - 100 * in_time / (in_time + late + broken)) <= 0.5
    asked = asked_of(now, code)
    assert kept
    assert asked
    table = {(row[0].lower(), row[1].lower(), row[2]): row[3:] for row in found.rows("h-response")}
    assert len(table) == min(len(asked), 20)
    words = {"letter": "LETTER", "transfer": "TRANSFER", "assistance": "ASSISTANCE"}
    for (source, target, kind), row in table.items():
        ties = asked[source, target, next(words[one] for one in words if one in kind)]
        answered = [tie for tie in ties if tie.answered_at is not None]
        assert (number(row[0]), number(row[1])) == (len(ties), len(answered))
        spans = [tie.hours for tie in ties if tie.hours is not None]
        for text, share in ((row[2], 0.5), (row[3], 0.9)):
            wanted = percentile(spans, share) if spans else None
            near(hours(text), wanted, ABOUT * (24 if "days" in text else 1))


def compare_lists(found: PageTables, now: Recount, pending: list[Json], code: str) -> None:
    """The first of each list: the most urgent and oldest cases, the earliest limits."""
    held = [(one, state) for one, state in now.open_cases.items() if state["custodian"] == code]
    held.sort(key=lambda one: (URGENCIES.index(one[1]["urgency"]), one[1]["opened_at"], one[0]))
    assert [row[0] for row in found.rows("h-holds")] == [_ident(one) for one, _ in held[:LISTED]]
    sides = [[one for one in pending if one[side] == code] for side in ("debtor", "creditor")]
    for some in sides:
        some.sort(key=lambda one: (one["due_at"] or NEVER, one["subject"], one["commitment_id"]))
    first = [_ident(one["subject"]) for some in sides for one in some[:LISTED]]
    rows = [row for row in found.tables["Commitments"] if row[1] != "On"]
    assert [row[1] for row in rows] == first


def _ident(subject: str) -> str:
    return subject.partition("/")[2]


def kept_by(now: Recount, code: str) -> list[tuple[str | None, int, int, int]]:
    counted = now.kept()
    instruments = {instrument for debtor, instrument, _ in counted if debtor == code}
    outcomes = ("KEPT", "LATE", "BROKEN")
    return [(one, *(counted[code, one, outcome] for outcome in outcomes)) for one in instruments]


def asked_of(now: Recount, code: str) -> Json:
    ties = [one for one in now.ties() if one.awaits and code in (one.source, one.target)]
    return grouped(ties, lambda one: (one.source, one.target, one.kind))


def compare_indicators(document: Json, now: Recount, code: str) -> None:
    kept = [
        (one["instrument"], one["kept"], one["late"], one["broken"])
        for one in document["commitments"]
    ]
    assert sorted(kept, key=str) == sorted(kept_by(now, code), key=str)
    asked = asked_of(now, code)
    for one in document["response_time"]:
        ties = asked.pop((one["from_agency"], one["to_agency"], one["kind"]))
        answered = sum(tie.answered_at is not None for tie in ties)
        assert (one["asked"], one["answered"]) == (len(ties), answered)
        near(one["median_hours"], middle(ties), 0.0001)
    assert asked == {}


def compare_months(found: PageTables, now: Recount, code: str) -> dict[str, int]:
    """Trends of the last whole months; gives how many answers there were in each."""
    answers = [
        tie
        for tie in now.ties()
        if tie.awaits and tie.target == code and tie.answered_at is not None
    ]
    by_month = grouped(answers, lambda tie: month_of(tie.at))
    table = dict(found.rows("Hours until an answer (median)"))
    for month, text in table.items():
        ties = by_month.get(month, [])
        wanted = middle(ties)
        near(None if text == "–" else float(text.replace(",", "")), wanted, ABOUT)
    due = [one for one in now.commitments if one["debtor"] == code and one["due_at"]]
    outcomes = grouped(
        [one for one in due if now.outcome(one) in ("KEPT", "LATE", "BROKEN")],
        lambda one: month_of(one["due_at"]),
    )
    for month, text in dict(found.rows("Commitments kept in time")).items():
        some = outcomes.get(month)
        wanted = 100 * sum(now.outcome(o) == "KEPT" for o in some) / len(some) if some else None
        near(None if text == "–" else float(text.rstrip("%")), wanted, 0.5)
    assert len(table) == 12
    return {month: len(ties) for month, ties in by_month.items()}


def month_of(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m}"


def compare_network(found: PageTables, now: Recount) -> None:
    ties = now.ties()
    edges = grouped(ties, lambda tie: (tie.source, tie.target, tie.kind))
    agencies = {code for tie in ties for code in (tie.source, tie.target)}
    assert found.text("h-drawing") == f"{len(ties)} ties, {len(agencies)} agencies"
    strongest = sorted(edges.items(), key=lambda edge: (-len(edge[1]), edge[0]))[:300]
    table = found.rows("Ties between agencies")
    assert len(table) == len(strongest)
    for row, ((source, target, _), some) in zip(table, strongest, strict=True):
        assert (row[0].lower(), row[1].lower(), number(row[3])) == (source, target, len(some))
        near(hours(row[4]), middle(some), ABOUT * (24 if "days" in row[4] else 1))


def compare_letters(everything: PageTables, waiting: PageTables, now: Recount) -> None:
    sent = list(now.effective("LetterSent"))
    assert number(everything.text("h-found").split()[0]) == len(sent)
    unanswered = 0
    for event in sent:
        letter = now.states[event["subject"]]["letters"][event["data"]["letter_id"]]
        unanswered += (
            event["data"]["reply_expected"] and not set(letter["to"]) <= letter["settled_by"]
        )
    assert number(waiting.text("h-found").split()[0]) == unanswered


def near(found: float | None, wanted: float | None, about: float) -> None:
    assert (found is None) == (wanted is None)
    assert found is None or wanted is None or abs(found - wanted) <= about
