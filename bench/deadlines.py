"""A round of the deadlines over a million open commitments, none of them due: it must cost nothing.

The commitments are written straight into the read models: what is measured asks these, and the log
only for its end.
"""

from __future__ import annotations

import time
from typing import Final

from bench.end_to_end import Latency, latency
from bench.ground import Ground
from consumers.deadlines import rounds
from runut.adapters import postgres
from runut.adapters.postgres import Connection

OPEN: Final = 1_000_000
A_CASE: Final = 5
"""Open commitments of one case."""
ROUNDS: Final = 200

# As the projector would have left them: everything is due from the day after tomorrow on.
_FILL: Final = (
    """
    INSERT INTO subject (subject, kind, events, irregular, duplicate, corrected, last_recorded_at,
                         state)
    SELECT 'case/OPEN-' || n, 'case', 9, 0, 0, 0, now(),
           '{"status": "IN_HANDLING", "escalation_pending": null}'
      FROM generate_series(1, %(cases)s) AS n
    """,
    """
    INSERT INTO transfer (subject, transfer_id, from_agency, to_agency, ground, reason, offered_at,
                          status, answered_at)
    SELECT 'case/OPEN-' || n, 'T1', 'polri', 'kp2mi', 'MANDATE', '-', now(), 'REFUSED', now()
      FROM generate_series(1, %(cases)s) AS n
    """,
    """
    INSERT INTO commitment (subject, commitment_id, source, kind, debtor, creditor, what, due_at,
                            status, made_at, source_event, breached_before, escalation_level,
                            due_recorded_at)
    SELECT 'case/OPEN-' || n / %(a_case)s, 'P' || n, 'P' || n, 'PROMISE', 'polri', 'kp2mi', '-',
           now() + interval '2 days' + n * interval '10 seconds', 'OPEN', now(),
           gen_random_uuid(), '{}', 0, now()
      FROM generate_series(1, %(open)s) AS n
    """,
    "VACUUM ANALYZE subject, transfer, commitment",
)


async def fill(connection: Connection, commitments: int) -> None:
    """Write so many open commitments, and the cases that they belong to."""
    given = {"open": commitments, "a_case": A_CASE, "cases": commitments // A_CASE}
    for statement in _FILL:
        await connection.execute(statement, given if "%(" in statement else None)


async def ticks(ground: Ground, commitments: int) -> Latency:
    """How long a round takes that finds nothing to do; no worker may run meanwhile."""
    async with postgres.connected(ground.settings, name="bench", autocommit=True) as connection:
        await fill(connection, commitments)
        begun, done = [], []
        async with rounds(ground.settings, connection) as leader:
            await leader.round()  # connects to the brokers
            for _ in range(ROUNDS):
                begun.append(time.perf_counter())
                if await leader.round():
                    raise ValueError("expected nothing to be due")
                done.append(time.perf_counter())
        return latency(begun, done)
