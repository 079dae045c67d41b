"""What the pages need from other rooms: bundles made and verified, sessions, the demonstration."""

from __future__ import annotations

import asyncio
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit import offline
from audit.verify import VerificationFailed, verify_bundle
from cli.web_reads import ReadSide
from dashboard.pages.site import Site
from projections.sessions import Sessions
from runut.access import Authenticate
from runut.adapters.oidc_sign_in import OidcSignIn
from runut.errors import SettingError
from runut.settings import Settings


def site(
    settings: Settings, reading: ReadSide, sessions: Sessions, authenticate: Authenticate
) -> Site:
    """Where pages come from.

    Raises:
        SettingError: RUNUT_WEB_TIMEZONE names no time zone, or a setting of OIDC is wrong.
    """

    return Site(
        reads=reading.reads,
        feed=reading.feed,
        sessions=sessions,
        authenticate=authenticate,
        settings=settings,
        zone=_zone(settings.web_timezone),
        verify=verified,
        accounts=OidcSignIn.of(settings),
    )


async def verified(bundle: bytes) -> dict[str, Any]:
    """What became of each step of a bundle's verification: as `runut verify FILE --json`.

    In a thread, for it takes as long as there are signatures to check.
    """
    return await asyncio.to_thread(_verified, bundle)


def _verified(bundle: bytes) -> dict[str, Any]:
    try:
        return offline.document(verify_bundle(bundle, None))
    except VerificationFailed as error:
        return offline.failed_document(error)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingError(
            f"RUNUT_WEB_TIMEZONE: expected a time zone such as Asia/Makassar, found {name!r}"
        ) from None
