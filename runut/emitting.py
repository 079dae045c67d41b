"""What every way to emit takes: an event by its class, by the name of its type, or as JSON.

Owns the checks that need no ledger; what becomes of the event says who emits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, overload

from runut.errors import NotOpen
from runut.event import Event
from runut.json_form import from_json

if TYPE_CHECKING:
    from runut.events.shared import Meta
    from runut.typed_event import TypedEvent

Result_co = TypeVar("Result_co", covariant=True)


class Closed:
    """Stands where an emitter has what it needs while it is open: every use raises NotOpen.

    So whoever is open is not asked whether it is, event by event.
    """

    def __init__(self, emitter: object) -> None:
        self._name = type(emitter).__name__

    def __getattr__(self, _: str) -> Any:
        raise NotOpen(self._name)

    def __getitem__(self, _: object) -> Any:
        raise NotOpen(self._name)

    def __iter__(self) -> Iterator[Any]:
        raise NotOpen(self._name)


class Emitter(ABC, Generic[Result_co]):
    """Takes events, and says of each what became of it."""

    @abstractmethod
    async def emit_event(self, event: Event) -> Result_co:
        """Take one event. Raises as `emit`."""

    async def emit_json(self, given: bytes | str | dict[str, Any]) -> Result_co:
        """Take one event in its JSON form. Raises as `emit`."""
        return await self.emit_event(from_json(given))

    @overload
    async def emit(
        self,
        event: TypedEvent,
        /,
        *,
        subject: str,
        agency: str,
        occurred_at: datetime | str | None = None,
        **meta: Unpack[Meta],
    ) -> Result_co: ...

    @overload
    async def emit(
        self,
        event: str,
        /,
        *,
        subject: str,
        agency: str,
        data: Mapping[str, Any],
        occurred_at: datetime | str | None = None,
        **meta: Any,
    ) -> Result_co: ...

    async def emit(
        self,
        event: TypedEvent | str,
        /,
        *,
        subject: str,
        agency: str,
        data: Mapping[str, Any] | None = None,
        occurred_at: datetime | str | None = None,
        **meta: Any,
    ) -> Result_co:
        """Take one event: `LetterSent(…)` of `runut.events`, or its type's name with its `data`.

        `data` and `meta` (such as `channel`, `causation_id`, `event_id`) as in the JSON form,
        where times may be aware datetimes, amounts Decimals and so on; `occurred_at` is now by
        default.

        Raises:
            FieldError: naming the field, what was expected and what was found.
        And what the emitter's `emit_event` raises.
        """
        if not isinstance(event, str):
            if data is not None:
                raise TypeError("data: an event of a class of its own holds it")
            made = event.on(subject, agency=agency, occurred_at=occurred_at, **meta)
            return await self.emit_event(made)
        return await self.emit_json(
            {
                **meta,
                "type": event,
                "subject": subject,
                "agency": agency,
                "occurred_at": occurred_at or datetime.now(UTC),
                "data": {} if data is None else dict(data),
            }
        )
