"""`runut commitments --explain`: a due date with what gave it, as a table for people.

Pure. The document is `projections.explaining`'s.
"""

from __future__ import annotations

from rich.console import Group, RenderableType

from cli.labels import label
from cli.tables import Facts, facts_table, local, rows_table
from projections.portraits import Document
from projections.wording import Voice
from runut.protocol import parse_limit
from runut.protocol_words import length

KNOWN = ("as_known_then", "as_known_now")


def explanation(document: Document, voice: Voice) -> RenderableType:
    """What gave the due date, and the days of the calendar that moved it then and would now."""
    then, now = (local(document[known]["due_at"], voice.zone) for known in KNOWN)
    facts: Facts = [
        ("subject", document["subject"]),
        ("due_at", local(document["due_at"], voice.zone)),
        ("given_by", _given_by(document, voice)),
        ("counted_from", _counted_from(document, voice)),
        ("as_known_then", then),
        ("as_known_now", now if document["differs"] else label("the_same", voice.lang)),
    ]
    facts_shown = facts_table(document["commitment_id"], facts, voice)
    days = _days(document, voice)
    if not days:
        return facts_shown
    columns = ("date", "name", "kind", *KNOWN)
    return Group(facts_shown, rows_table("days_of_calendar", columns, days, voice))


def _given_by(document: Document, voice: Voice) -> str:
    limit, set_by = document["limit"], document["set_by"]
    said = f"{set_by['type']}, {voice.agency(set_by['agency'])}"
    match document["given_by"]:
        case "PROTOCOL":
            within = length(parse_limit("limit", limit), voice.lang)
            return f"{label('protocol', voice.lang)} {document['protocol_version']}: {within}"
        case "CLAUSE":
            days = limit.removesuffix("d")
            return f"{label('clause', voice.lang)}: {days} {label('calendar_days', voice.lang)}"
        case "EVENT":
            return said
        case _:
            return label("no_protocol", voice.lang)


def _counted_from(document: Document, voice: Voice) -> str:
    start = local(document["counted_from"], voice.zone)
    return f"{start} ({document['timezone']})" if start else ""


def _days(document: Document, voice: Voice) -> list[tuple[str, ...]]:
    """Each day with whether it counted then and counts now."""
    skipped = [document[known]["skipped"] for known in KNOWN]
    days = {(day["date"], day["kind"]): day for some in skipped for day in some}
    yes = label("yes", voice.lang)
    return [
        (
            day["date"],
            day["name"],
            voice.word("DayKind", day["kind"]),
            *(yes if day in some else "" for some in skipped),
        )
        for _, day in sorted(days.items())
    ]
