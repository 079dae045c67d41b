"""The witness as a service: looks at the log again and again.

Owns when, and what ends it. It asks the log and is asked by nobody: no port is open at an agency.
What waiting can mend is waited for; after a refusal that it cannot mend the service ends, and
somebody has to look.
"""

from __future__ import annotations

import asyncio

import structlog

from audit.witness.attending import Attendance, Attended
from audit.witness.refusals import NotCosigned
from runut.errors import NotFound, Unreachable

log = structlog.get_logger(__name__)


async def serve(attendance: Attendance, interval_s: float) -> None:
    """Look at the log every so many seconds, until cancelled.

    Raises:
        NotCosigned: the log is not what may be cosigned, and waiting does not mend it.
    """
    while True:
        try:
            report(await attendance.attend())
        except NotCosigned as refusal:
            log.exception("not cosigned", reason=str(refusal), exc_info=False)
            if refusal.is_final:
                raise
        except (NotFound, Unreachable) as error:
            log.warning("nothing to cosign", reason=str(error))
        await asyncio.sleep(interval_s)


def report(attended: Attended) -> None:
    """Say in the log what a look at the ledger came to."""
    for alert in attended.alerts:
        log.warning("a record about our own agency", tree=alert.tree, offset=alert.offset)
    if attended.not_delivered is not None:
        log.warning("cosigned, and not delivered", reason=attended.not_delivered)
    say = log.info if attended.new_seals else log.debug
    say(
        "cosigned",
        size=attended.checkpoint.size,
        new_seals=attended.new_seals,
        new_records=attended.new_records,
    )
