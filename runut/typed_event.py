"""What the classes of `runut.events` have in common: an event's own fields, by name and type.

Values are checked where the event is made of them, as in the JSON form (`runut.json_form`), so
that an error names the same field.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

import msgspec

from runut.event import Event
from runut.json_form import from_json

if TYPE_CHECKING:
    from runut.events.shared import Meta


class TypedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an event; its type is the class."""

    def on(
        self,
        subject: str,
        *,
        agency: str,
        occurred_at: datetime | str | None = None,
        **meta: Unpack[Meta],
    ) -> Event:
        """The event on a subject, such as `case/X`; it happened now by default.

        Raises:
            FieldError: naming the field, what was expected and what was found.
        """
        return from_json(
            {
                **meta,
                "type": type(self).__name__,
                "subject": subject,
                "agency": agency,
                "occurred_at": occurred_at or datetime.now(UTC),
                "data": self,
            }
        )
