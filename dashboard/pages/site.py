"""What the pages need, passed in by whoever assembles the web process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Request

from dashboard.feed import Feed
from dashboard.reads import Reads
from projections.sessions import Sessions
from runut.access import Authenticate, Principal
from runut.adapters.oidc_sign_in import OidcSignIn
from runut.settings import Settings

DEMONSTRATION = Principal("demonstration", None, frozenset({"AUDITOR"}))
"""The reader of a demonstration on this machine, who sees everything and is known to nobody."""

Verify = Callable[[bytes], Awaitable[dict[str, Any]]]
"""From a bundle to what became of each step of its verification, as `runut verify --json`."""


class Site(NamedTuple):
    """Where pages come from."""

    reads: Reads
    feed: Feed
    sessions: Sessions
    authenticate: Authenticate
    settings: Settings
    zone: ZoneInfo
    """In which times are told to who did not choose another."""
    verify: Verify
    accounts: OidcSignIn | None = None
    """Where people sign in with their agencies' accounts; None where they show a token."""


def site_of(request: Request) -> Site:
    """The site to which a request came."""
    site: Site = request.app.state.site
    return site
