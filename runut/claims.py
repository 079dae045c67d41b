"""What an access token says about its holder: agency and roles, from claims that settings name.

Pure. Whether the token is to be believed is `runut.adapters.oidc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from runut.access import ROLES, Principal
from runut.errors import Unauthenticated
from runut.event import AGENCY_PATTERN, AgencyCode

FORCE: Final = "force"
"""Beside the roles: the right to emit what would be irregular."""


class ClaimNames(NamedTuple):
    """Names of claims; `a.b` is b within a, where no claim is called `a.b`."""

    agency: str
    roles: str


def principal_of(claims: Mapping[str, Any], names: ClaimNames) -> Principal:
    """Who the claims of a token are about. Roles of other systems in it are passed over.

    Raises:
        Unauthenticated: its agency cannot be one.
    """
    words = {word.lower() for word in _words(_claim(claims, names.roles))}
    return Principal(
        name=f"oidc/{claims['sub']}",
        agency=_agency(_claim(claims, names.agency), names.agency),
        roles=frozenset(role for role in ROLES if role.lower() in words),
        may_force=FORCE in words,
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _words(claim: Any) -> list[str]:
    """Of a list, or of a text as of the claim `scope` (RFC 8693 §4.2)."""
    if isinstance(claim, str):
        return claim.split()
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else []


def _agency(claim: Any, name: str) -> AgencyCode | None:
    if claim is None:
        return None
    if not isinstance(claim, str) or not AGENCY_PATTERN.fullmatch(claim):
        raise Unauthenticated(f"one whose claim {name} is no code of an agency")
    return AgencyCode(claim)
