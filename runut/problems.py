"""Errors as RFC 9457 problem documents: which status, which type, and what may be told.

Pure. Addresses, paths and causes inside of the ledger are for its log: of an error that is not the
caller's to mend, the document says that it happened and when to try again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from runut import errors
from runut.errors import shorten

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:runut:problem:"
SOON_S: Final = 5.0
"""When to try again where nothing tells better."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A problem document; its members are these fields, `extra` merged into them."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    """Dotted path of the field that is wrong."""
    expected: str | None = None
    found: str | None = None
    codes: tuple[str, ...] | None = None
    """Why an event would be irregular (events.md)."""
    retry_after_s: int | None = None
    """The same as the header Retry-After."""
    extra: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The members of the JSON object."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        extra = members.pop("extra", {})
        return {**members, **extra}


class _Kind(msgspec.Struct, frozen=True):
    """What all errors of a class have in common."""

    status: int
    name: str
    title: str
    detail: str | None = None
    """Said instead of the error's own message, where that is for the log alone."""
    retry_after_s: float | None = None


_INTERNAL: Final = _Kind(
    500,
    "internal-error",
    "Something is wrong inside of the ledger",
    "the request was in order as far as we can tell; give the trace id to whoever operates it",
)
_UNAVAILABLE: Final = _Kind(
    503,
    "unavailable",
    "A part of the ledger does not answer",
    "try again; what is an event, with the same event_id",
    SOON_S,
)
_KINDS: Final[Mapping[type[errors.RunutError], _Kind]] = {
    errors.BadFile: _INTERNAL,  # ours, such as a key that others can read
    errors.BadInput: _Kind(422, "bad-input", "Something that was sent is wrong"),
    errors.FieldError: _Kind(422, "bad-field", "A field is wrong"),
    errors.TooLarge: _Kind(413, "too-large", "More was sent than is taken"),
    errors.TooSlow: _Kind(408, "too-slow", "The rest of the request did not come"),
    errors.NotFound: _Kind(404, "not-found", "The ledger holds nothing of this"),
    errors.Refused: _Kind(409, "irregular", "The event would be irregular"),
    errors.AlreadyRecorded: _Kind(409, "already-recorded", "Another event has this id"),
    errors.Unauthenticated: _Kind(401, "unauthenticated", "It is not known who asks"),
    errors.Forbidden: _Kind(403, "forbidden", "This is not yours to do"),
    errors.TooManyRequests: _Kind(429, "too-many-requests", "More than your share"),
    errors.Busy: _Kind(503, "busy", "No room at present"),
    errors.NotYetProjected: _Kind(409, "not-yet-projected", "Not projected yet"),
    errors.MissingKey: _Kind(
        422,
        "missing-key",
        "The gateway holds no key of the agency",
        "leave a valid key with the gateway, or send signature and key id with the event",
    ),
    errors.Unreachable: _UNAVAILABLE,
    errors.NotOpen: _UNAVAILABLE,  # the service is being stopped
    errors.NotRecorded: _Kind(
        503,
        "not-recorded",
        "The log does not take events at present",
        "try again, with the same event_id",
        SOON_S,
    ),
    errors.PlatformError: _Kind(
        503, "not-ready", "The ledger is not ready", "it is being started or made anew", SOON_S
    ),
}


def problem_of(error: Exception, **extra: Any) -> Problem:
    """The problem document of an error; `extra` are more members, such as `trace_id`.

    What is no error of ours is an internal one: nothing of it is told.
    """
    kind = next((_KINDS[one] for one in type(error).__mro__ if one in _KINDS), _INTERNAL)
    retry_after_s = getattr(error, "retry_after_s", kind.retry_after_s)
    return Problem(
        type=TYPE_PREFIX + kind.name,
        title=kind.title,
        status=kind.status,
        detail=kind.detail or str(error),
        retry_after_s=None if retry_after_s is None else max(1, math.ceil(retry_after_s)),
        extra=extra,
        # What is for the log alone has none either.
        **({} if kind.detail else _particulars(error)),
    )


def plain_problem(status: int, title: str, detail: str, **extra: Any) -> Problem:
    """A problem that its HTTP status says all about: type about:blank (RFC 9457 §4.2.1)."""
    return Problem(type="about:blank", title=title, status=status, detail=detail, extra=extra)


def _particulars(error: Exception) -> dict[str, Any]:
    match error:
        case errors.BadInput():
            found = shorten(error.found)
            return {"field": error.thing, "expected": error.expected, "found": found}
        case errors.Refused():
            return {"codes": error.codes}
        case _:
            return {}
