"""From a row of a table to an event in its JSON form: which column says which field, and how.

Pure. Owns what a row says; how a mapping is written down is `producers.files.mapping_file`. A cell
that is blank says nothing: its field is absent, and so is a record all of whose cells are blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from producers.files.cells import Read
from runut.errors import BadInput, FieldError
from runut.event import Event
from runut.json_form import from_json

Row = Mapping[str, str]
"""A row's cells, without the spaces around them, by their column's heading."""

ABSENT: Final = object()


class Constant(msgspec.Struct, frozen=True):
    """What a field of every row says."""

    value: Any


class Cells(msgspec.Struct, frozen=True):
    """What a field says by one cell of the row, or by several that belong together."""

    field: str
    """As in the JSON form."""
    columns: tuple[str, ...]
    read: Read
    separator: str | None = None
    """Between the items of a list."""
    blank: Any = ABSENT
    """What a blank cell says."""

    def value(self, row: Row) -> Any:
        """What the row says; ABSENT where it says nothing.

        Raises:
            FieldError: the cell says nothing that can be read.
        """
        text = " ".join(filter(None, (row[column] for column in self.columns)))
        if not text:
            return self.blank
        try:
            if self.separator is None:
                return self.read(text)
            items = (item.strip() for item in text.split(self.separator))
            return [self.read(item) for item in items if item]
        except BadInput as error:
            raise FieldError(self.field, error.expected, error.found) from None


Node = Constant | Cells | dict[str, Any]
"""Of a record, its fields' nodes by name."""


class Form(msgspec.Struct, frozen=True):
    """How rows say events of one type."""

    meta: dict[str, Node]
    data: dict[str, Node]


class Layout(msgspec.Struct, frozen=True):
    """How the table lies in its file."""

    delimiter: str
    encoding: str
    header_line: int


class TableMapping(msgspec.Struct, frozen=True):
    """How the rows of a table are events."""

    layout: Layout
    type: Constant | Cells
    forms: dict[str, Form]
    """By event type."""

    def columns(self) -> list[str]:
        """Headings that the table must have, in the order in which the mapping names them."""
        found = [*_cells(self.type)]
        for form in self.forms.values():
            found += [*_cells(form.meta), *_cells(form.data)]
        return list(dict.fromkeys(column for one in found for column in one.columns))

    def event(self, row: Row) -> Event:
        """The event that a row says; its id comes from what the row says, unless it says one.

        Raises:
            FieldError: naming the field, what was expected and what was found.
        """
        event_type = _value(self.type, row)
        if event_type is ABSENT:
            raise FieldError("type", "an event type", "a blank cell")
        form = self.forms[event_type]
        fields = {"type": event_type, **_record(form.meta, row), "data": _record(form.data, row)}
        return from_json(fields, derive_id=True)

    def column_of(self, field: str, row: Row) -> str | None:
        """The heading of what is to blame for a field of a row's event; of none if a constant."""
        wanted = field.partition("[")[0]
        form = self.forms.get(_value(self.type, row)) if wanted != "type" else None
        nodes = [self.type, *((form.meta, form.data) if form else ())]
        for node in nodes:
            for one in _cells(node):
                if one.field == wanted:
                    return ", ".join(one.columns)
        return None


def _record(nodes: dict[str, Node], row: Row) -> dict[str, Any]:
    values = ((name, _value(node, row)) for name, node in nodes.items())
    return {name: value for name, value in values if value is not ABSENT}


def _value(node: Node, row: Row) -> Any:
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Cells):
        return node.value(row)
    cells = list(_cells(node))
    if cells and all(one.value(row) is ABSENT for one in cells):
        return ABSENT
    return _record(node, row)


def _cells(node: Node) -> Iterator[Cells]:
    if isinstance(node, Cells):
        yield node
    elif isinstance(node, dict):
        for inner in node.values():
            yield from _cells(inner)
