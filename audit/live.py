"""Verify the live ledger against its own seals, and these against witnesses.

`verify_ledger` reads the log of seals, then every tree in processes of their own, from where it
was verified last or from the start. Numbered steps as in `audit.verify`; relies on Kafka for the
records, on PostgreSQL for cosignatures alone, and on the policy for trust.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from audit.bundle import from_json, to_json
from audit.cosigned import Cosigned, cosigned_seals
from audit.documents import moment_of
from audit.policy import Policy
from audit.seal_log import LogReached, SealLog
from audit.tree_check import Bound, Reached, TreeFound, TreeTask, check_tree
from audit.unsealed import (
    Waiting,
    demand_every_partition,
    demand_none_passed_by,
    overdue,
    waiting_records,
)
from audit.verify import Check, Status, TreeShown, VerificationFailed, Verified
from projections.processes import count, in_processes
from runut.directory import Ledger, founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadFile, BadInput, LedgerMismatch, NotFound
from runut.private_files import write_private
from runut.rfc3339 import format_time
from runut.seals import Seal, origin_of
from runut.settings import Settings

STATE_FILE: Final = "verified.json"

HEADINGS: Final = (
    "log of seals",
    "checkpoint and cosignatures",
    "founding and root keys",
    "trees and maps",
    "signatures",
    "time",
)

FEW: Final = 5_000
"""Records for which no process is worth starting: they are read in a second."""
PATIENCE: Final = timedelta(hours=1)
"""How long a seal may wait for the quorum: a witness looks every minute."""

Progress = Callable[[int, int], None]
"""Told how many records were read, of how many."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a ledger was verified."""

    ledger_id: str
    policy: str
    """Digest of the policy by which; empty where there was none."""
    log: LogReached
    trees: dict[str, Reached]


async def verify_ledger(
    settings: Settings,
    policy: Policy | None,
    *,
    full: bool = False,
    processes: int | None = None,
    progress: Progress = lambda _read, _total: None,
    now: datetime | None = None,
) -> Verified:
    """Verify everything that was sealed since the last time, or with `full` from the first record.

    Also from the first record if it was by another policy: its trust is not this one's. `now` is
    the auditor's time, by which seals and cosignatures are late; by default the clock's.

    Raises:
        VerificationFailed: naming the first step that does not hold.
        NotFound: nothing was sealed yet.
        Unreachable: Kafka or PostgreSQL does not answer.
    """
    at = now or datetime.now(UTC)
    live = _Live(settings, policy, read_state(settings, policy), at, full=full)
    return await live.run(processes, progress)


def read_state(settings: Settings, policy: Policy | None) -> State | None:
    """How far the ledger was verified from here by this policy; None if it never was.

    Raises:
        BadFile: the file is not what was written.
    """
    path = state_path(settings)
    if not path.is_file():
        return None
    try:
        found = from_json(path.read_bytes(), State, str(path))
    except BadInput as error:
        expected = f"{error.expected} (remove it and run: runut verify --full)"
        raise BadFile(str(path), expected, error.found) from None
    return found if found.policy == _digest(policy) else None


def state_path(settings: Settings) -> Path:
    """Where that is kept."""
    return settings.data / STATE_FILE


class _Live:
    """One verification of the live ledger."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy | None,
        remembered: State | None,
        now: datetime,
        *,
        full: bool,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._remembered = remembered
        self._since = None if full else remembered
        before = remembered.log if remembered else LogReached()
        self._log = SealLog(policy.ledger if policy else None, before)
        self._now = now
        self._checks: list[Check] = []
        self._missing: list[str] = []

    async def run(self, processes: int | None, progress: Progress) -> Verified:
        last = await self._seals()
        cosigned = await self._checkpoint()
        ledger = await self._founding(last)
        waiting = await self._waiting(ledger, last)
        tasks = [self._task(ledger, last, index, cosigned) for index in range(len(last.heads))]
        found = await self._trees(tasks, processes, progress)
        self._say_of_trees(found, waiting)
        self._signatures(found)
        self._time(found, cosigned)
        await asyncio.to_thread(self._keep, last, tasks, found)
        sealed_at, anchored = moment_of(last.sealed_at_ms), self._policy is not None
        is_newest = bool(cosigned) and cosigned[-1].seal.index == last.index
        note = cosigned[-1].note if is_newest else self._log.note
        return Verified(
            *("", self._name, last.index, sealed_at, anchored, self._checks),
            note=note.to_bytes().decode() if note else "",
            trees=[
                TreeShown(f"{one.topic}/{one.partition}", one.size, one.root.hex())
                for one in last.heads
            ],
            signatures=dict(sum((Counter(one.signatures) for one in found), Counter())),
            missing=self._missing,
            cosigned=cosigned[-1].seal.index if cosigned else None,
        )

    async def _seals(self) -> Seal:
        """Step 1. Relies on the policy's key: the log of seals grew by appending alone."""
        try:
            await self._log.read(self._settings)
        except (BadInput, LedgerMismatch) as error:
            raise VerificationFailed(1, error, HEADINGS[0]) from None
        if self._log.last is None:
            raise NotFound("log of seals", "no seal was published yet that counts")
        since = f", {self._log.before.size} of them verified before"
        says = f"{self._log.size} seals{since if self._since else ''}"
        self._say(1, "HOLDS", says)
        return self._log.last

    async def _checkpoint(self) -> list[Cosigned]:
        """Step 2. Relies on the policy: the ledger signed, and enough witnesses some time."""
        if self._policy is None:
            self._say(2, "UNANCHORED", "no policy was given")
            return []
        try:
            cosigned = await cosigned_seals(self._settings, self._policy, self._log)
        except (BadInput, LedgerMismatch) as error:
            raise VerificationFailed(2, error, HEADINGS[1]) from None
        if not cosigned and self._policy.quorum:
            expected = f"of {self._policy.quorum} trusted witnesses on some seal"
            raise VerificationFailed(2, BadInput("cosignatures", expected, "none"), HEADINGS[1])
        says = f"signed by {self._policy.ledger.name}"
        if cosigned:
            says += f"; seal {cosigned[-1].seal.index} is the newest that the quorum cosigned"
        late = self._policy.quorum and cosigned and self._late_since(cosigned[-1])
        if late:
            says += f"; since {format_time(late)} it cosigned NO MORE"
            self._missing.append("cosignatures of the newer seals")
        self._say(2, "NOT_SHOWN" if late else "HOLDS", says)
        return cosigned

    def _late_since(self, newest: Cosigned) -> datetime | None:
        """When the first seal was made that the quorum should have cosigned by now."""
        after = self._log.made[newest.seal.index + 1 :]
        return after[0].at if after and self._now - after[0].at > PATIENCE else None

    async def _founding(self, last: Seal) -> Ledger:
        """Step 3. Relies on the policy: founded by the trusted root keys."""
        async with DirectoryFollower(self._settings) as follower:
            ledger = founded(follower.log.latest.ledger)
        self._name = ledger.name
        roots = ", ".join(key.hex()[:16] + "…" for key in ledger.root_keys)
        wrong = None
        if ledger.ledger_id != last.ledger_id:
            wrong = BadInput("ledger of the seals", ledger.ledger_id.hex(), last.ledger_id.hex())
        elif self._policy and not set(ledger.root_keys) <= self._policy.root_keys:
            wrong = BadInput("root keys of the ledger", "those of the policy", roots)
        elif self._policy and self._policy.ledger.name != origin_of(ledger.name):
            wrong = BadInput("ledger", self._policy.ledger.name, origin_of(ledger.name))
        if wrong is not None:
            raise VerificationFailed(3, wrong, HEADINGS[2])
        status: Status = "HOLDS" if self._policy else "UNANCHORED"
        self._say(3, status, f"{ledger.name}, root keys {roots}")
        return ledger

    async def _waiting(self, ledger: Ledger, last: Seal) -> list[Waiting]:
        """Part of step 4: every partition is sealed; gives what awaits its next seal."""
        try:
            demand_every_partition(self._settings, ledger, last)
            waiting = await waiting_records(self._settings, ledger, last)
            demand_none_passed_by(waiting, self._log.made)
        except BadInput as error:
            raise VerificationFailed(4, error, HEADINGS[3]) from None
        return waiting

    def _task(
        self, ledger: Ledger, last: Seal, index: int, cosigned: Sequence[Cosigned]
    ) -> TreeTask:
        place = last.heads[index].place
        name = f"{place[0]}/{place[1]}"
        before = self._remembered.trees.get(name, Reached()) if self._remembered else Reached()
        since = before if self._since else Reached()
        # Seals may say different things of a tree at one size, and not all of them truly.
        heads = {one for seal in self._log.seals if (one := seal.heads[index]).size >= since.size}
        bounds = [Bound.of(one, place) for one in cosigned]
        ordered = tuple(sorted(heads, key=lambda head: head.size))
        clock = None if ledger.clock == "TEST" else ledger.timestamp_type
        return TreeTask(*place, ordered, since, tuple(bounds), before, clock)

    async def _trees(
        self, tasks: list[TreeTask], processes: int | None, progress: Progress
    ) -> list[TreeFound]:
        """Step 4. Relies on steps 1 and 2: Kafka holds what was sealed, at every seal."""
        total = sum(one.heads[-1].size - one.since.size for one in tasks)
        if processes is None and total <= FEW:
            found = await self._here(tasks, lambda read: progress(read, total))
        else:
            calls = [(self._settings, one) for one in tasks]
            found = await in_processes(
                _in_process, calls, processes, lambda read: progress(read, total)
            )
        for one in found:
            if one.failure is not None:
                is_time = one.failure[0].startswith("time of ")
                step = 6 if is_time else 4
                raise VerificationFailed(step, BadInput(*one.failure), HEADINGS[step - 1])
        return found

    def _say_of_trees(self, found: list[TreeFound], waiting: list[Waiting]) -> None:
        records, fillers = sum(one.records for one in found), sum(one.fillers for one in found)
        said = f"{records:,} records in {len(found)} trees"
        said += f", {fillers} offsets WITHOUT a record" if fillers else ""
        said += "" if self._since is None else "; maps with --full"
        late = overdue(waiting, self._now)
        if late:
            said += f"; long recorded and NOT SEALED: {', '.join(map(str, late))}"
            self._missing.append("seals of records that were promised one")
        self._say(4, "NOT_SHOWN" if late else "HOLDS", said)

    async def _here(self, tasks: list[TreeTask], told: Callable[[int], None]) -> list[TreeFound]:
        """Check the trees one after the other, in this process."""
        found: list[TreeFound] = []
        for task in tasks:
            found.append(await check_tree(self._settings, task))
            told(sum(one.records + one.fillers for one in found))
        return found

    def _signatures(self, found: list[TreeFound]) -> None:
        """Step 5. Relies on steps 3 and 4: who signed, by the directory announced there."""
        counted: Counter[str] = Counter()
        for one in found:
            counted.update(one.signatures)
        said = [f"{number:,} {name}" for name, number in sorted(counted.items())]
        rejected = sum(one.rejected for one in found)
        said += [f"{rejected:,} records that are no event"] if rejected else []
        self._say(5, "HOLDS", ", ".join(said) or "no new event")

    def _time(self, found: list[TreeFound], cosigned: Sequence[Cosigned]) -> None:
        """Step 6. Relies on steps 2 and 4: recorded when the witnesses' seals allow it."""
        if not cosigned:
            self._say(
                6, "UNANCHORED" if self._policy is None else "NOT_SHOWN", "time not witnessed"
            )
            return
        read, witnessed = sum(one.timed for one in found), sum(one.witnessed for one in found)
        self._say(6, "HOLDS", f"{witnessed:,} of {read:,} records before a cosigned seal")

    def _keep(self, last: Seal, tasks: list[TreeTask], found: list[TreeFound]) -> None:
        trees = {task.name: one.reached for task, one in zip(tasks, found, strict=True)}
        state = State(last.ledger_id.hex(), _digest(self._policy), self._log.reached, trees)
        path = state_path(self._settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, to_json(state))

    def _say(self, step: int, status: Status, says: str) -> None:
        self._checks.append(Check(step, HEADINGS[step - 1], status, says))


def _digest(policy: Policy | None) -> str:
    return policy.digest if policy else ""


def _in_process(settings: Settings, task: TreeTask) -> TreeFound:
    return asyncio.run(check_tree(settings, task, count))
