"""What a subject is, as facts that can be compared: by place, its fields and their values.

Pure. A place is `subject`, `history 3` or a row such as `letter L-1`. Facts of a fold and facts of
the tables have one form, so whatever differs between log and read models can be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson
from msgspec import structs

from projections.batch import HistoryEntry
from projections.folds.fold import State
from projections.folds.rows import Row
from projections.folds.subject import FoldedSubject
from projections.history import HISTORY, history_values
from projections.row_tables import table_name
from runut.records import RawRecord
from runut.rfc3339 import format_time

Facts = dict[tuple[str, str], dict[str, Any]]
"""By subject and place, what every field is, as JSON has it."""

_COUNTS: Final = ("events", "irregular", "duplicate", "corrected")


class Difference(msgspec.Struct, frozen=True):
    """A field that the read models have otherwise than the log gives it; None: not at all."""

    subject: str
    place: str
    field: str
    log: Any
    found: Any


def differences(log: Facts, found: Facts) -> Iterator[Difference]:
    """Every field that is not the same in both, in the order of subjects and places."""
    for subject, place in sorted(log.keys() | found.keys()):
        expected, there = log.get((subject, place)), found.get((subject, place))
        if expected is None or there is None:
            yield Difference(subject, place, "", _presence(expected), _presence(there))
            continue
        for name in sorted(expected.keys() | there.keys()):
            if expected.get(name) != there.get(name):
                yield Difference(subject, place, name, expected.get(name), there.get(name))


def facts_of(subject: str, folded: FoldedSubject) -> Facts:
    """What a fold says that the read models are to hold of a subject."""
    last = folded.entries[-1].recorded.recorded_at if folded.entries else None
    facts = {
        (subject, "subject"): subject_fields(folded.counts().values(), last, folded.state),
    }
    for seq, one in enumerate(folded.entries, 1):
        after = one.folded
        entry = HistoryEntry(seq, one.recorded, after.verdict, after.codes, after.differs)
        facts.update(history_facts(history_values(entry)))
    for row in folded.past.rows.values():
        facts.update(row_facts(row))
    return facts


def subject_fields(
    counts: Iterable[int], last_recorded_at: datetime | None, state: State | None
) -> dict[str, Any]:
    """What a subject is, its state field by field."""
    found = {} if state is None else orjson.loads(msgspec.json.encode(state))
    return {
        **dict(zip(_COUNTS, counts, strict=True)),
        "last_recorded_at": plain(last_recorded_at),
        **{f"state.{name}": value for name, value in found.items()},
    }


def history_facts(values: Iterable[Any]) -> Facts:
    """A line of the history, from values in the order of its columns."""
    fields = dict(zip(HISTORY.columns, values, strict=True))
    if isinstance(fields["data"], str):
        fields["data"] = orjson.loads(fields["data"])
    place = f"history {fields.pop('seq')}"
    return {(fields.pop("subject"), place): {name: plain(value) for name, value in fields.items()}}


def row_facts(row: Row) -> Facts:
    """A row of whatever table."""
    fields = {name: plain(value) for name, value in structs.asdict(row).items()}
    return {(fields.pop("subject"), f"{table_name(type(row))} {row.ident}"): fields}


def directory_facts(records: Iterable[RawRecord]) -> Facts:
    """The records of a directory, whatever its topic is called."""
    return {
        ("directory", f"record {one.offset}"): {
            "timestamp_ms": one.timestamp_ms,
            "timestamp_type": one.timestamp_type,
            "key": plain(one.key),
            "value": plain(one.value),
            "headers": plain(tuple(one.headers)),
        }
        for one in records
    }


def plain(value: Any) -> Any:
    """A value as JSON has it, the same whether it was folded or read from a table."""
    match value:
        case datetime():
            return format_time(value.astimezone(UTC))
        case date() | UUID() | Decimal():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case list() | tuple():
            return [plain(one) for one in value]
        case msgspec.Struct():
            return msgspec.to_builtins(value)
        case Mapping():
            return {name: plain(one) for name, one in value.items()}
        case _:
            return value


def _presence(fields: dict[str, Any] | None) -> str | None:
    return None if fields is None else "there"
