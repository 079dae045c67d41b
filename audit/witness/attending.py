"""One look at the log: fetch, recompute, compare with what was seen before, cosign.

Owns the order of it. The seals are taken under the ledger's signature first, then each is
recomputed from the leaves and kept; what is to be cosigned is on the disk before it is signed. A
log that shows something else than before is refused for good, and where it differs is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from audit.witness.differences import first_difference
from audit.witness.home import Home
from audit.witness.log_client import LogClient
from audit.witness.refusals import Ahead, Behind, Difference, Forked, NotCosigned
from audit.witness.state import Alert, Cosignature, WitnessState
from audit.witness.trees import SEALS, KeptTree, tree_of
from runut.errors import BadInput, LedgerMismatch, NotDelivered, NotFound, Unreachable
from runut.merkle import leaf_hash
from runut.notes import (
    Checkpoint,
    Note,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    parse_signatures,
    verified,
)
from runut.records import key_hash
from runut.seals import Seal, demand_first, demand_follows, seal_of
from runut.tiles import Tile

CLOCKS_S: Final = 300
"""How far the ledger's clock and ours may be apart."""


class Attended(msgspec.Struct, frozen=True):
    """What a look at the log came to."""

    checkpoint: Checkpoint
    time_s: int
    """As of when it was cosigned."""
    new_seals: int
    new_records: int
    alerts: tuple[Alert, ...]
    """New records about the witness's own agency."""
    not_delivered: str | None
    """Why the log did not take the cosignature; None where it did."""


class Attendance:
    """A witness at work: its directory, its state, a log, and a clock in seconds since 1970."""

    def __init__(
        self, home: Home, state: WitnessState, log: LogClient, clock: Callable[[], float]
    ) -> None:
        self._home = home
        self._state = state
        self._log = log
        self._clock = clock
        self._new_seals = self._new_records = 0
        self._alerts: list[Alert] = []

    async def attend(self) -> Attended:
        """Look once.

        Raises:
            NotCosigned: the log does not show what may be cosigned; it is noted in the state.
            NotFound: nothing was sealed yet.
            Unreachable: the log does not answer.
        """
        self._new_seals = self._new_records = 0
        self._alerts = []
        shown = await self._log.checkpoint()
        try:
            note, checkpoint = signed_checkpoint(shown, self._home.ledger)
            await self._follow(checkpoint)
            cosigned = self._cosign(checkpoint, note)
            self._state.accept(self._now_s())
        except (NotCosigned, BadInput, LedgerMismatch) as error:
            refusal = _refusal(error)
            self._state.refuse(self._now_s(), str(refusal), shown)
            raise refusal from error
        not_delivered = await self._deliver(cosigned)
        work = self._new_seals, self._new_records, tuple(self._alerts)
        return Attended(checkpoint, cosigned.time_s, *work, not_delivered)

    async def _follow(self, checkpoint: Checkpoint) -> None:
        """Recompute all that is new up to a checkpoint."""
        log = KeptTree(self._state, SEALS)
        await self._demand_not_older(checkpoint, log.size)
        entries = await self._log.entries(SEALS, log.size, checkpoint.size, checkpoint.size)
        leaves = [leaf_hash(entry) for entry in entries]
        if log.root_with(leaves) != checkpoint.root:
            raise Forked(checkpoint, await self._differences(checkpoint))
        self._demand_trusted(log, leaves)
        seals = [seal_of(entry) for entry in entries]
        trees = {SEALS: log}
        for seal in seals:
            await self._recompute(checkpoint, seal, seals[-1], trees)

    async def _demand_not_older(self, checkpoint: Checkpoint, known: int) -> None:
        root = self._state.log_root(checkpoint.size)
        if checkpoint.size and root not in {None, checkpoint.root}:
            raise Forked(checkpoint, await self._differences(checkpoint))
        trusted = self._state.trusted()
        least = max(known, trusted[0] if trusted else 1)
        if checkpoint.size < least:
            raise Behind(checkpoint, least)

    def _demand_trusted(self, log: KeptTree, leaves: Sequence[bytes]) -> None:
        """That the log passes through the checkpoint that was entered by hand, if it does now."""
        trusted = self._state.trusted()
        if trusted is None or trusted[0] <= log.size:
            return
        root = log.root_with(leaves[: trusted[0] - log.size])
        if root != trusted[1]:
            expected = f"root {trusted[1].hex()}, entered by hand"
            raise NotCosigned(f"log of {trusted[0]} seals", expected, root.hex())

    async def _recompute(
        self, checkpoint: Checkpoint, seal: Seal, newest: Seal, trees: dict[str, KeptTree]
    ) -> None:
        """Recompute a seal from the leaves that it adds, and keep it."""
        self._demand_next(seal)
        added = {}
        for head in seal.heads:
            name = tree_of(head)
            tree = trees.setdefault(name, KeptTree(self._state, name))
            size = newest.head(*head.place).size
            added[name] = await self._log.entries(name, tree.size, head.size, size)
        try:
            with self._state.transaction():
                self._keep(seal, added, trees)
        except NotCosigned as error:
            differences = await self._differences(checkpoint)
            raise (Forked(checkpoint, differences) if differences else error) from None
        self._new_seals += 1
        self._new_records += sum(map(len, added.values()))

    def _keep(self, seal: Seal, added: dict[str, list[bytes]], trees: dict[str, KeptTree]) -> None:
        for head in seal.heads:
            name = tree_of(head)
            first = trees[name].size
            keys = trees[name].grow(seal, head, added[name])
            self._alert(name, first, keys)
        root = trees[SEALS].add_seal(seal)
        self._state.add_seal(seal, root, self._now_s())

    def _demand_next(self, seal: Seal) -> None:
        last = self._state.last_seal()
        if last is None:
            demand_first(seal)
        else:
            demand_follows(seal, last)
        ahead_s = seal.sealed_at_ms // 1000 - self._now_s()
        if ahead_s > CLOCKS_S:
            found = f"{ahead_s} s in the future"
            raise Ahead(f"time of seal {seal.index}", f"at most {CLOCKS_S} s ahead of ours", found)

    def _alert(self, tree: str, first: int, keys: list[bytes | None]) -> None:
        if self._home.about.agency is None:
            return
        ours = key_hash(f"agency/{self._home.about.agency}".encode())
        for offset, key in enumerate(keys, first):
            if key == ours:
                alert = Alert(tree, offset, self._now_s())
                self._alerts.append(alert)
                self._state.alert(alert)

    def _cosign(self, checkpoint: Checkpoint, note: Note) -> Cosignature:
        """Intend, sign, keep: after a crash the same is signed again, with the same bytes."""
        intended = self._state.intend(checkpoint, self._time_s(), note.to_bytes())
        if intended.line is not None:
            return intended
        line = self._home.cosigner.cosign(checkpoint, intended.time_s).line()
        self._state.change("cosigned", size=checkpoint.size, line=line)
        return msgspec.structs.replace(intended, line=line)

    async def _deliver(self, cosigned: Cosignature) -> str | None:
        """Write the cosigned note beside the state, and hand it in; gives why it was not taken."""
        signed = parse_note(cosigned.note)
        note = signed.signed_also(parse_signatures(cosigned.line or ""))
        self._home.keep(note)
        if cosigned.is_delivered:
            return None
        try:
            await self._log.submit(note.to_bytes())
        except NotDelivered as error:
            return str(error)
        self._state.change("delivered", size=cosigned.size)
        return None

    async def _differences(self, checkpoint: Checkpoint) -> list[Difference]:
        """The first difference of each tree, as far as the log lets us find it."""
        found = []
        sizes = {SEALS: checkpoint.size}
        with suppress(BadInput, Unreachable, NotFound, IndexError):
            last, size = checkpoint.size - 1, checkpoint.size
            newest = seal_of((await self._log.entries(SEALS, last, size, size))[0])
            sizes.update({tree_of(head): head.size for head in newest.heads})
        for name, size in sizes.items():
            with suppress(BadInput, Unreachable, NotFound):
                index = await self._first_difference(KeptTree(self._state, name), size)
                if index is not None:
                    found.append(Difference(name, index))
        return found

    async def _first_difference(self, tree: KeptTree, their_size: int) -> int | None:
        async def ours(tile: Tile) -> list[bytes]:
            return tree.tile(tile.level, tile.index)

        async def theirs(tile: Tile) -> list[bytes]:
            return await self._log.hashes(tree.tree, tile)

        return await first_difference(ours, tree.size, theirs, their_size)

    def _time_s(self) -> int:
        """Now; never before what was cosigned last."""
        last = self._state.last_cosignature()
        if last is None:
            return self._now_s()
        behind_s = last.time_s - self._now_s()
        if behind_s > CLOCKS_S:
            found = f"{behind_s} s before we cosigned last"
            raise Ahead("our clock", "not to run backwards", found)
        return max(self._now_s(), last.time_s)

    def _now_s(self) -> int:
        return int(self._clock())


def signed_checkpoint(shown: bytes, ledger: VerifierKey) -> tuple[Note, Checkpoint]:
    """The checkpoint that a note is, with the ledger's signature alone.

    Raises:
        NotCosigned: the ledger's key did not sign it, or it is another log's.
        BadInput: it is no checkpoint, or its signature does not verify.
    """
    note = parse_note(shown)
    if not verified(note, [ledger]):
        names = ", ".join(one.name for one in note.signatures)
        raise NotCosigned("checkpoint", f"a signature of {ledger}", f"by {names}")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != ledger.name:
        raise NotCosigned("origin of the checkpoint", ledger.name, checkpoint.origin)
    of_ledger = (one for one in note.signatures if ledger.verified(note.text, one))
    return Note(note.text, (next(of_ledger),)), checkpoint


def _refusal(error: Exception) -> NotCosigned:
    if isinstance(error, NotCosigned):
        return error
    if isinstance(error, BadInput):
        return NotCosigned(error.thing, error.expected, error.found)
    return NotCosigned("log", "seals that follow one another", error)
