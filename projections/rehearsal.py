"""A rehearsal: what many events would be judged if they were recorded now, one after the other.

Loads and folds as the projector does, and writes nothing: each event is judged after those before
it, on top of what is projected. Everything it went through stays in memory until it ends. What
others record meanwhile may change a verdict: only the log's order decides. `projections.foresight`
answers for a few events at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from projections.batch import HistoryEntry, fold_batch
from projections.folds.fold import CORRECTION
from projections.foresight import NOT_RECORDED
from projections.loaded import Subjects
from projections.store import Store
from runut.adapters.postgres import Connection
from runut.directory_log import DirectoryLog
from runut.errors import BadInput
from runut.event import LEDGER_KINDS, AgencyCode, Event, Recorded, SignatureStatus
from runut.log_reader import content_of
from runut.outgoing import Envelope, known_schema_ids


class Rehearsal:
    """One file, or the like, from its first event to its last."""

    def __init__(
        self,
        connection: Connection,
        directory: DirectoryLog,
        now: datetime,
        signature: Callable[[AgencyCode], SignatureStatus],
    ) -> None:
        """Take what is projected, and what would be found of each agency's signature.

        The connection is within a snapshot as long as this lives: the projector goes on meanwhile.

        Raises:
            LedgerMismatch: no ledger is founded there.
        """
        self._store = Store(connection)
        self._directory = directory
        self._now = now
        self._signature = signature
        self._envelope = Envelope.of(directory.latest)
        self._schema_ids = known_schema_ids(directory.latest)
        # What is forgotten could not be loaded again: it is nowhere else.
        self._subjects = Subjects(max_weight=sys.maxsize)
        self._past: dict[str, list[HistoryEntry]] = {}
        self._count = 0

    def recorded(self, event: Event) -> Recorded:
        """The event as it would lie in the log, behind all that were asked for before.

        Raises:
            BadInput: it would not be sent, naming the field.
            LedgerMismatch: the ledger does not know this release's schema of it.
        """
        draft = self._envelope.draft(event)
        if draft.event_type.kinds.isdisjoint(LEDGER_KINDS):
            raise BadInput("type", "an event of an agency", event.type)
        self._count += 1
        return Recorded(
            event=event,
            partition=NOT_RECORDED,
            offset=self._count,
            recorded_at=self._now,
            directory_offset=self._directory.latest.offset,
            signature=self._signature(event.agency),
            schema_id=self._schema_ids[event.type],
            body=draft.body,
            content=content_of(event.type, draft.body),
        )

    async def judge(self, records: Sequence[Recorded]) -> list[HistoryEntry]:
        """The lines that events would get in the histories of their subjects, in the given order.

        Of each as it is when the event is recorded: a correction behind it may change it again.
        """
        return [entry for run in _runs(records) for entry in await self._judge(run)]

    async def _judge(self, records: Sequence[Recorded]) -> list[HistoryEntry]:
        directories = self._directory.at
        histories = await self._store.load(records, self._subjects, directories)
        # A correction has its subject folded whole, and what was rehearsed belongs to its history.
        whole = {name: [*past, *self._past.get(name, ())] for name, past in histories.items()}
        entries = fold_batch(records, self._subjects, whole, directories).history
        for entry in entries:
            self._past.setdefault(entry.recorded.event.subject, []).append(entry)
        return entries


def _runs(records: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """Events that can be folded together: a correction is folded alone, for it looks back."""
    run: list[Recorded] = []
    for one in records:
        if one.event.type == CORRECTION:
            yield from ([run] if run else [])
            yield [one]
            run = []
        else:
            run.append(one)
    if run:
        yield run
