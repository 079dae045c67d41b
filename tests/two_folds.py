"""One history folded twice: by the folds of `projections`, and by those that tests wrote naively.

Owns what both are asked and how their answers are compared; shrinks a history on which they
disagree, and keeps it as JSON.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from projections.folds.rows import Commitment
from projections.folds.subject import fold_subject, state_as_of
from projections.render import Standing, render_commitment, render_state
from runut.event import Recorded, SignatureStatus
from runut.json_form import to_json
from tests.builders import recorded
from tests.changing_directory import changing, facts
from tests.histories import STORIES, Author
from tests.naive.directory import view_at
from tests.naive.fold import outcome

FAILED = "failed"
Answer = dict[str, Any]


class Question(msgspec.Struct, frozen=True):
    """What is asked of a history: its outcome now, or as of a moment."""

    moment: datetime
    by: Literal["now", "recorded", "occurred"]

    @property
    def as_of(self) -> datetime | None:
        """The moment, if it is a past one."""
        return None if self.by == "now" else self.moment


class History(NamedTuple):
    """The records of one subject, and what is asked of them."""

    records: Sequence[Recorded]
    questions: Sequence[Question]


class KeptRecord(msgspec.Struct):
    """A record as a kept history has it."""

    event: dict[str, Any]
    recorded_at: datetime
    signature: SignatureStatus
    stage: int
    """Of `changing_directory`: how much of it was announced before the event."""


class Kept(msgspec.Struct):
    """A history as JSON."""

    about: str
    questions: list[Question]
    records: list[KeptRecord]


def history_of(kind: str, seed: int) -> History:
    """A random history of 5 to 60 events, and three questions: now, and as of two past moments.

    The past moments are at an event or just before it, or long after it.
    """
    rng = random.Random(seed)
    records = Author(seed, STORIES[kind], changing()).write(5 + seed % 56)
    later = [timedelta(0), timedelta(microseconds=-1), timedelta(days=1), timedelta(days=30)]
    now = records[-1].recorded_at + timedelta(days=rng.choice([0, 2, 20, 400]))
    known = rng.choice(records).recorded_at + rng.choice(later)
    was_so = rng.choice(records).event.occurred_at + rng.choice(later)
    return History(
        records, [Question(now, "now"), Question(known, "recorded"), Question(was_so, "occurred")]
    )


class Comparison(NamedTuple):
    """What two folds said of a history."""

    differences: list[str]
    """Where they say something else, each as `question path: real, naive`."""
    verdicts: list[tuple[str, str, list[str]]]
    """Type, verdict and codes of every event, as the naive fold has them."""


def compared(history: History) -> Comparison:
    """Ask both everything, and compare whole answers."""
    found: list[str] = []
    entries: list[Answer] = []
    for question in history.questions:
        real, naive = _asked(_real, history, question), _asked(_naive, history, question)
        for place, one, other in _unequal("", real, naive):
            found.append(f"{question.by}{place}: real {one!r}, naive {other!r}")
        if question.by == "now":
            entries = naive.get("entries", [])
    verdicts = [
        (one.event.type, entry["verdict"], entry["codes"])
        for one, entry in zip(history.records, entries, strict=bool(entries))
    ]
    return Comparison(found, verdicts)


def differences(history: History) -> list[str]:
    """Where the two folds say something else of a history; empty if they agree."""
    return compared(history).differences


def shrunk(history: History) -> History:
    """The history with every event left out that the first difference does not need."""
    records, size = list(history.records), len(history.records) // 2
    place = _place(differences(history))
    while size > 0:
        at = 0
        while at < len(records):
            fewer = [*records[:at], *records[at + size :]]
            if fewer and _place(differences(history._replace(records=fewer))) == place:
                records = fewer
            else:
                at += size
        size //= 2
    return history._replace(records=records)


def _place(found: Sequence[str]) -> str | None:
    """What the first difference is about, wherever it stands."""
    if not found:
        return None
    place = found[0].partition(":")[0]
    return "".join(letter for letter in place if not letter.isdigit())


def to_kept(history: History, about: str) -> bytes:
    """A history as JSON, with a word on what the two disagreed about."""
    offsets = changing().offsets
    records = [
        KeptRecord(
            event=to_json(one.event),
            recorded_at=one.recorded_at,
            signature=one.signature,
            stage=offsets.index(one.directory_offset),
        )
        for one in history.records
    ]
    kept = Kept(about, list(history.questions), records)
    return msgspec.json.format(msgspec.json.encode(kept)) + b"\n"


def from_kept(text: bytes) -> History:
    """A history that was kept."""
    kept = msgspec.json.decode(text, type=Kept)
    offsets = changing().offsets
    records = [
        replace(
            recorded(one.event, n, one.recorded_at, one.signature),
            directory_offset=offsets[one.stage],
        )
        for n, one in enumerate(kept.records, 1)
    ]
    return History(records, kept.questions)


def _asked(
    answer: Callable[[Sequence[Recorded], Question], Answer], history: History, question: Question
) -> Answer:
    try:
        return answer(history.records, question)
    except Exception as error:  # a fold that fails disagrees with one that does not
        return {FAILED: repr(error)}


def _real(records: Sequence[Recorded], question: Question) -> Answer:
    directories = changing().at
    if question.by == "now":
        folded = fold_subject(records, directories)
    else:
        folded = state_as_of(records, directories, question.moment, question.by)
    standing = Standing.of(records[0].event.subject, folded)
    document = None
    if folded.state is not None:
        document = render_state(standing, question.moment, question.as_of)
    return {
        "entries": [
            {"verdict": f.verdict, "codes": list(f.codes), "differs": f.differs}
            for f in (entry.folded for entry in folded.entries)
        ],
        "document": document,
        "commitments": {
            one.commitment_id: render_commitment(one, question.moment)
            for one in folded.past.of(Commitment)
        },
    }


def _naive(records: Sequence[Recorded], question: Question) -> Answer:
    events = [plain(one) for one in records]
    by = "occurred" if question.by == "occurred" else "recorded"
    answer: Answer = outcome(events, _views(), question.moment, question.as_of, by)
    return answer


@cache
def _views() -> dict[int, Any]:
    return {offset: view_at(facts(), offset) for offset in changing().offsets}


def plain(one: Recorded) -> dict[str, Any]:
    """A record as the naive fold takes it."""
    event = one.event
    return {
        "type": event.type,
        "subject": event.subject,
        "agency": event.agency,
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "recorded_at": one.recorded_at,
        "signature": one.signature,
        "data": event.data,
        "content": (event.type, one.body),
        "directory": one.directory_offset,
    }


def _unequal(place: str, real: Any, naive: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two JSON documents differ. What an automatic commitment is about is free."""
    if isinstance(real, dict) and isinstance(naive, dict) and FAILED not in {*real, *naive}:
        for name in sorted(real.keys() | naive.keys()):
            one, other = real.get(name, "missing"), naive.get(name, "missing")
            if not (name == "what" and other is None):
                yield from _unequal(f"{place} {name}", one, other)
    elif isinstance(real, list) and isinstance(naive, list) and len(real) == len(naive):
        for n, (one, other) in enumerate(zip(real, naive, strict=True)):
            yield from _unequal(f"{place} {n}", one, other)
    elif real != naive:
        yield place, real, naive
