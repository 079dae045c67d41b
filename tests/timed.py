"""A ledger whose time a test sets: its records are as late as the test says (clock TEST)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runut import Producer, Receipt
from runut.adapters.postgres import Connection
from runut.founding import found_ledger, make_topics, register_schemas
from runut.json_form import from_json
from runut.settings import Settings
from tests.ledgers import introduce_agencies

CLOCK = "case/CLOCK"
"""Has no other events than those by which time passes."""
TICK_S = 0.05


async def found_timed(settings: Settings, schema_ids: Mapping[str, int] | None = None) -> Settings:
    """Found a ledger with clock TEST that knows the scenarios' agencies; gives quick settings."""
    await make_topics(settings, "TEST")
    schema_ids = schema_ids or await register_schemas(settings)
    await found_ledger(settings, schema_ids, clock="TEST")
    await introduce_agencies(settings)
    return settings.model_copy(update={"deadline_tick_s": TICK_S})


class Timed:
    """Emits events at moments of the test's choosing."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self.ends: dict[int, int] = {}
        """The highest offset written in each partition."""

    async def emit(
        self, event_type: str, subject: str, agency: str, at: datetime, /, **data: Any
    ) -> None:
        """Emit an event that happens and is recorded at a moment."""
        await self.record(event_type, subject, agency, at, at, data)

    async def record(
        self,
        event_type: str,
        subject: str,
        agency: str,
        occurred_at: datetime,
        recorded_at: datetime,
        data: Mapping[str, Any],
    ) -> None:
        """Emit an event that is recorded at another moment than it happened."""
        about = {"type": event_type, "subject": subject, "agency": agency}
        event = from_json({**about, "occurred_at": occurred_at, "data": dict(data)})
        self._note(await (await self._producer.send(event, recorded_at=recorded_at)))

    async def pass_to(self, moment: datetime) -> None:
        """Let it be a moment: a record of that time is all that it takes."""
        data = {"other": CLOCK, "basis": "time passes"}
        await self.record("DuplicateSuspected", CLOCK, "kp2mi", moment, moment, data)

    def _note(self, receipt: Receipt) -> None:
        self.ends[receipt.partition] = max(receipt.offset, self.ends.get(receipt.partition, -1))


async def is_reminded(connection: Connection, until: datetime) -> bool:
    """Whether the leader's round has come so far."""
    cursor = await connection.execute(
        "SELECT coalesce(min(reminded_until) >= %s, false) FROM deadline_cursor", (until,)
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
