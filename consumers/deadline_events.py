"""The events that the ledger itself emits when a limit has passed.

Pure. Everything in them is derived from what they are about: the id, so that the same fact is the
same event whoever emits it how often; and `occurred_at`, so that it does not depend on when a
worker looked (events.md §6).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from projections.due import Due, ToBreach, ToEscalate, ToLapse, TransferToEscalate
from projections.folds.escalation import next_step
from runut.directory import Directory
from runut.directory_writer import SYSTEM
from runut.event import Event
from runut.event_ids import ids_of
from runut.json_form import from_json
from runut.rfc3339 import format_time

AFTER: Final = timedelta(seconds=1)
"""A limit is kept until its very end: what follows from it happens this much later."""


class DeadlineEvents:
    """Composes events by what the directory says."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._ids = ids_of(directory)

    def of(self, due: Due) -> list[Event]:
        """What is to be said about all that is due, by when it happened.

        What would be brought before nobody is left out.
        """
        events = [
            *map(self._breach, due.breaches),
            *map(self._lapse, due.lapses),
            *map(self._escalation, due.escalations),
            *map(self._transfer_escalation, due.transfers),
        ]
        said = (event for event in events if event is not None)
        return sorted(said, key=lambda event: event.occurred_at)

    def _breach(self, due: ToBreach) -> Event:
        data = {"commitment_id": due.commitment_id, "due_at": due.due_at, "rule": due.rule}
        about = (due.commitment_id, format_time(due.due_at))
        return self._event(
            "CommitmentBreached", due.subject, about, due.due_at, data, due.source_event
        )

    def _lapse(self, due: ToLapse) -> Event:
        data = {"transfer_id": due.transfer_id}
        about = (due.commitment_id, format_time(due.due_at))
        return self._event("TransferLapsed", due.subject, about, due.due_at, data, due.source_event)

    def _escalation(self, due: ToEscalate) -> Event | None:
        protocol = self._directory.protocol_at(due.escalate_at)
        step = next_step(self._directory, protocol, due.debtor, due.level)
        if step is None:
            return None
        data = {"commitment_id": due.commitment_id, "to": step.to, "level": step.level}
        about = (due.commitment_id, format_time(due.due_at), str(step.level))
        return self._event(
            "EscalationRaised", due.subject, about, due.escalate_at, data, due.source_event
        )

    def _transfer_escalation(self, due: TransferToEscalate) -> Event | None:
        protocol = self._directory.protocol_at(due.failed_at)
        if protocol is None or protocol.default_arbiter is None:
            return None
        data = {"transfer_id": due.transfer_id, "arbiter": protocol.default_arbiter}
        about = (due.transfer_id,)
        return self._event("TransferEscalated", due.subject, about, due.failed_at, data, None)

    def _event(
        self,
        event_type: str,
        subject: str,
        about: tuple[str, ...],
        moment: datetime,
        data: dict[str, Any],
        cause: str | None,
    ) -> Event:
        return from_json(
            {
                "type": event_type,
                "subject": subject,
                "agency": SYSTEM,
                "event_id": self._ids.of(event_type, subject, *about),
                "occurred_at": moment + AFTER,
                "causation_id": cause,
                "data": data,
            }
        )
