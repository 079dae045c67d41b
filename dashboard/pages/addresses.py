"""Where things have their pages, and the same page asked for in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from fastapi import Request

from runut.event import subject_id, subject_kind

FOLDERS: Final[Mapping[str, str]] = {
    "case": "cases",
    "meeting": "meetings",
    "agreement": "agreements",
    "agent": "agents",
    "programme": "programmes",
    "agency": "agencies",
}
"""Of each kind of subject the path below which its pages are."""


LISTS: Final[Mapping[str, str]] = {kind: f"/{folder}" for kind, folder in FOLDERS.items()}
"""Of each kind of subject where all of them are."""


def address_of(subject: str) -> str | None:
    """The page of a subject; None where it is none that has one."""
    folder, ident = FOLDERS.get(subject_kind(subject)), subject_id(subject)
    return f"/{folder}/{quote(ident, safe='')}" if folder and ident else None


def address(path: str, **asked: Any) -> str:
    """A path with a question; what is None or empty is not asked."""
    query = urlencode([(name.rstrip("_"), value) for name, value in asked.items() if value])
    return f"{path}?{query}" if query else path


def here(request: Request, **changed: Any) -> str:
    """The page that was asked for, with some of the question changed; None takes it out."""
    kept = [pair for pair in parse_qsl(request.url.query) if pair[0] not in changed]
    pairs = [*kept, *((name, str(value)) for name, value in changed.items() if value is not None)]
    query = urlencode(pairs)
    return f"{request.url.path}?{query}" if query else request.url.path


def with_question(path: str, **changed: str | None) -> str:
    """A path of this site, with some of its question changed; None takes it out."""
    parts = urlsplit(path)
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in changed]
    query = urlencode([*kept, *((name, one) for name, one in changed.items() if one is not None)])
    return urlunsplit(("", "", parts.path, query, parts.fragment))


def is_own_path(text: str) -> bool:
    """Whether a text is a path of this site, and no address of another (`//host`, `/\\host`)."""
    return text.startswith("/") and text[1:2] not in {"/", "\\"} and text.isprintable()
