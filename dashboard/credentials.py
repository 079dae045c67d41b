"""GET /credentials: an agency sees its own, an operator all; nobody sees a secret or its hash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from projections import credentials
from runut.access import Principal, require_agency
from runut.adapters.http import principal
from runut.adapters.postgres import Lend


class Credential(BaseModel):
    """A credential of an agency's system, without its secret."""

    credential_id: str
    agency: str
    name: str
    roles: list[str]
    may_force: bool
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None
    state: str


class Credentials(BaseModel):
    """Credentials, the newest first."""

    credentials: list[Credential]


def router(lend: Lend, now: Callable[[], datetime]) -> APIRouter:
    """The route, over connections to PostgreSQL and the clock by which credentials expire."""
    routes = APIRouter(tags=["access"])

    @routes.get("/credentials", response_model=Credentials)
    async def listed(
        who: Annotated[Principal, Depends(principal)],
        agency: Annotated[str | None, Query(description="Only of this one.")] = None,
    ) -> dict[str, Any]:
        """Credentials of the asking agency; an operator sees those of all."""
        if "OPERATOR" not in who.roles:
            agency = require_agency(who, agency)
        async with lend() as connection:
            found = await credentials.credentials(connection, agency)
        moment = now()
        return {"credentials": [credentials.shown(one, moment) for one in found]}

    return routes
