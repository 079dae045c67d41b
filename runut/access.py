"""Who asks, and what they may do: roles, and the right to emit as an agency.

Pure. Owns the rules; how somebody proves who they are is `projections.credential_check` and
`runut.adapters.oidc`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, get_args

import msgspec

from runut.errors import Forbidden, Unauthenticated
from runut.event import SYSTEM, AgencyCode

Role = Literal["EMITTER", "READER", "AUDITOR", "OPERATOR"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Principal(msgspec.Struct, frozen=True):
    """Somebody who proved who they are."""

    name: str
    """For logs and records of reads, such as `credential/3f…` or `oidc/SUBJECT`."""
    agency: AgencyCode | None
    """Whose system it is; None for people of no agency of the ledger."""
    roles: frozenset[Role]
    may_force: bool = False
    """Whether it may emit what would be irregular."""


Authenticate = Callable[[str | None], Awaitable[Principal]]
"""From the value of an Authorization header, None where there is none, to who asks.

Raises Unauthenticated, or Unreachable where that cannot be found out at present.
"""


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750 §2.1).

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = (header or "").partition(" ")
    if not scheme:
        raise Unauthenticated("none")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("an Authorization header of another kind")
    return token.strip()


def require_role(principal: Principal, *roles: Role) -> None:
    """Demand one of these roles.

    Raises:
        Forbidden: it has none of them.
    """
    if principal.roles.isdisjoint(roles):
        raise Forbidden(f"what {principal.name} asks for", f"the role {' or '.join(roles)}")


def require_emitter(principal: Principal, agency: str) -> None:
    """Demand the right to emit events of an agency: its own alone, whatever else it may do.

    Nobody emits as the ledger itself from outside.

    Raises:
        Forbidden: it is no emitter, or another agency's.
    """
    require_role(principal, "EMITTER")
    if principal.agency != agency or agency == SYSTEM:
        raise Forbidden(f"emitting as {agency}", f"a credential of {agency} itself")


def require_agency(principal: Principal, agency: str | None) -> AgencyCode:
    """Demand that somebody asks about their own agency, which is also meant where none is named.

    Raises:
        Forbidden: it is another's, or who asks belongs to none.
    """
    if principal.agency is None:
        raise Forbidden(f"what {principal.name} asks for", "an agency of its own")
    if agency not in (None, principal.agency):
        raise Forbidden(f"asking about {agency}", f"a credential of {agency} itself")
    return principal.agency


def require_force(principal: Principal) -> None:
    """Demand the right to emit what would be irregular.

    Raises:
        Forbidden: it lacks it.
    """
    if not principal.may_force:
        raise Forbidden("force", "a credential made with --may-force")
