"""Rows of the outbox into the ledger: in order for each subject, each again until it is there.

Owns what is known of rows between Kafka's acknowledgement and the agency's database knowing it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from producers.outbox.positions import Refusal, Shard
from producers.outbox.rows import Row, Stream, event_of, trace_of
from runut import Producer, Receipt
from runut.errors import BadFile, BadInput
from runut.event import AgencyCode
from runut.tracing import TRACE_HEADER, following

log = structlog.get_logger(__name__)


class Published(NamedTuple):
    """What became of some rows."""

    events: int
    """How many of the rows are in the log now."""
    passed: dict[Stream, int]
    """The version up to which each subject is through."""
    refusals: list[Refusal]
    """At most one a subject, which waits there."""


class Publisher:
    """Publishes rows as events of one agency."""

    def __init__(self, agency: AgencyCode) -> None:
        self._agency = agency
        # A database that takes our rows and never our progress, such as one with a full disk,
        # would otherwise have us write the same events into the ledger again and again.
        self._acknowledged: dict[Shard, set[str]] = {}

    async def publish(self, producer: Producer, shard: Shard, rows: Sequence[Row]) -> Published:
        """Send rows, subject by subject in order of version; returns when all are in the log.

        Raises:
            Unreachable, NotRecorded: some could not be stored; call again with the same rows.
            LedgerMismatch: the ledger does not know this release's schemas.
            MissingKey, BadFile: the agency has no key here that the directory knows, or a bad one.
        """
        known = self._acknowledged.setdefault(shard, set())
        refusals: dict[Stream, Refusal] = {}
        passed: dict[Stream, int] = {}
        events = 0
        sent: dict[str, asyncio.Future[Receipt]] = {}
        for row in rows:
            if row.stream in refusals:
                continue
            if not row.skipped and row.id not in known:
                try:
                    with following({TRACE_HEADER: trace_of(row)}):
                        sent[row.id] = await producer.send(event_of(row, self._agency))
                except BadFile:
                    raise  # a key's, not the row's
                except BadInput as error:
                    refusals[row.stream] = _refusal(row, error)
                    continue
            passed[row.stream] = row.version
            events += not row.skipped
        await self._receipts(sent, known)
        return Published(events, passed, list(refusals.values()))

    def settle(self, shard: Shard) -> None:
        """Forget what the database knows now."""
        self._acknowledged.pop(shard, None)

    async def _receipts(self, sent: dict[str, asyncio.Future[Receipt]], known: set[str]) -> None:
        # All of them, also when one failed: the rest may be on its way still, and must not be
        # sent again before that is over.
        found = await asyncio.gather(*sent.values(), return_exceptions=True)
        known.update(
            row_id for row_id, one in zip(sent, found, strict=True) if isinstance(one, Receipt)
        )
        for one in found:
            if isinstance(one, BaseException):
                raise one


def _refusal(row: Row, error: BadInput) -> Refusal:
    subject = f"{row.aggregatetype}/{row.aggregateid}"
    log.warning("refused", row=row.id, subject=subject, version=row.version, reason=str(error))
    return Refusal(row, str(error))
