"""The live ledger verified against its seals, and bundles of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from audit.bundle import HISTORY, to_json
from audit.cosigned import Cosigned
from audit.documents import moment_of
from audit.export import export
from audit.live import PATIENCE, read_state, state_path, verify_ledger
from audit.offline import lines
from audit.policy import Policy
from audit.seal_log import ENTRY_HEADER, LogReached
from audit.tree_check import Bound, Last, Reached, TreeTask, check_tree
from audit.verify import VerificationFailed, verify_bundle
from projections.seals.cosigning import take_cosignatures
from runut.adapters import kafka
from runut.adapters.postgres import connected
from runut.adapters.topics import create_topics
from runut.directory import founded
from runut.directory_follower import DirectoryFollower
from runut.errors import BadFile, Forbidden, NotFound, Unreachable
from runut.event import Recorded
from runut.keystore import KeyStore
from runut.merkle import Frontier
from runut.notes import Checkpoint, Cosigner, Note, NoteSigner
from runut.records import LOG_APPEND_TIME
from runut.rfc3339 import format_time
from runut.seal_key import seal_signer
from runut.seals import entry_of
from runut.settings import Settings
from tests.integration.sealing_stage import LEDGER, SealedLedger, published, seal_all, write

CASE = "case/BP3MI-NTT-2025-0001"
HOLDS = ["HOLDS"] * 5 + ["NOT_SHOWN"]


@pytest.fixture
async def policy(sealed: SealedLedger) -> Policy:
    """Trust in the ledger's own keys and in no witness."""
    async with DirectoryFollower(sealed.settings) as follower:
        ledger = founded(follower.log.latest.ledger)
    key = seal_signer(KeyStore(sealed.settings.keys), LEDGER).key
    return Policy(key, frozenset(ledger.root_keys), (), 0)


def forget(settings: Settings) -> None:
    state_path(settings).unlink(missing_ok=True)


async def test_all_of_it_holds_and_the_next_time_what_is_new(
    sealed: SealedLedger, policy: Policy
) -> None:
    settings = sealed.settings
    forget(settings)
    told: list[tuple[int, int]] = []
    first = await verify_ledger(
        settings,
        policy,
        full=True,
        processes=2,
        progress=lambda read, total: told.append((read, total)),
    )
    assert [one.status for one in first.checks] == HOLDS
    assert told[-1][0] <= told[-1][1] == sum(one.records for one in first.trees)
    assert "WITHOUT a record" in first.checks[3].says  # offsets of control records
    told.clear()
    again = await verify_ledger(
        settings, policy, progress=lambda read, total: told.append((read, total))
    )
    assert told[-1] == (0, 0)
    assert "verified before" in again.checks[0].says
    assert again.checks[3].says.startswith("0 records")
    unanchored = await verify_ledger(settings, None, full=True)
    assert [one.step for one in unanchored.checks if one.status == "UNANCHORED"] == [2, 3, 6]


async def test_what_is_written_later_is_verified_from_where_it_was(
    sealed: SealedLedger, policy: Policy
) -> None:
    settings = sealed.settings
    before = await verify_ledger(settings, policy, full=True)
    await write(settings, "LATER", 12)
    await seal_all(settings)
    after = await verify_ledger(settings, policy, processes=1)
    assert after.seal > before.seal
    assert after.checks[3].says.startswith("12 records")
    assert "12 records that are no event" in after.checks[4].says


async def test_a_log_that_was_another_when_it_was_verified_is_refused(
    sealed: SealedLedger, policy: Policy
) -> None:
    settings = sealed.settings
    await verify_ledger(settings, policy, full=True)
    await write(settings, "MORE", 8)
    await seal_all(settings)
    state = read_state(settings, policy)
    assert state is not None
    place = f"{settings.events_topic}/2"
    reached = state.trees[place]
    reached = replace(reached, frontier=frontier_of(reached.size))
    changed = replace(state, trees={**state.trees, place: reached})
    state_path(settings).write_bytes(to_json(changed))
    with pytest.raises(VerificationFailed, match=f"{place}, records .* those of the sealed root"):
        await verify_ledger(settings, policy)
    state_path(settings).write_bytes(b"{}")
    with pytest.raises(BadFile, match="runut verify --full"):
        await verify_ledger(settings, policy)
    forget(settings)


async def test_keys_that_the_policy_does_not_name_are_refused(
    sealed: SealedLedger, policy: Policy
) -> None:
    strangers = replace(policy, root_keys=frozenset({b"\1" * 32}))
    with pytest.raises(VerificationFailed, match="root keys of the ledger"):
        await verify_ledger(sealed.settings, strangers, full=True)
    forger = NoteSigner(f"{LEDGER}/seals", Ed25519PrivateKey.generate())
    forged = replace(policy, ledger=forger.key)
    with pytest.raises(NotFound, match="no seal was published yet that counts"):
        await verify_ledger(sealed.settings, forged, full=True)


async def test_what_was_verified_by_another_policy_or_none_is_verified_anew(
    sealed: SealedLedger, policy: Policy
) -> None:
    settings = sealed.settings
    await verify_ledger(settings, None, full=True)
    assert "verified before" in (await verify_ledger(settings, None)).checks[0].says
    forger = NoteSigner(f"{LEDGER}/seals", Ed25519PrivateKey.generate())
    with pytest.raises(NotFound, match="no seal was published yet that counts"):
        await verify_ledger(settings, replace(policy, ledger=forger.key))
    assert "verified before" not in (await verify_ledger(settings, policy)).checks[0].says
    witness = Cosigner("other.example/witness", Ed25519PrivateKey.generate())
    stricter = replace(policy, witnesses=(witness.key,), quorum=1)
    with pytest.raises(VerificationFailed, match="cosignatures: expected of 1 trusted witnesses"):
        await verify_ledger(settings, stricter)


async def cosign(sealed: SealedLedger, witness: Cosigner, index: int) -> None:
    """Have a witness cosign a seal a second after it was made."""
    one = sealed.seals[index]
    line = witness.cosign(one.checkpoint, one.seal.sealed_at_ms // 1000 + 1)
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        now = moment_of(one.seal.sealed_at_ms)
        await take_cosignatures(connection, one.note.signed_also([line]), [witness.key], now)


async def sealed_otherwise(sealed: SealedLedger, data: Path) -> Settings:
    """The same ledger with another log of seals from the second seal on, signed by its own key."""
    settings, signer = sealed.settings, seal_signer(KeyStore(sealed.settings.keys), LEDGER)
    other = settings.model_copy(
        update={"seals_topic": f"{settings.seals_topic}.{data.name}", "data": data}
    )
    await create_topics(other, "BROKER")
    tree, producer = Frontier(), kafka.producer(other)
    async with kafka.connected(other, producer):
        for one in sealed.seals:
            later = 1 if one.seal.index else 0
            seal = replace(one.seal, sealed_at_ms=one.seal.sealed_at_ms + later)
            tree.append(seal.leaf())
            text = Checkpoint(one.checkpoint.origin, tree.size, tree.root()).text()
            await producer.send_and_wait(
                other.seals_topic,
                Note(text, (signer.sign(text),)).to_bytes(),
                headers=[(ENTRY_HEADER, entry_of(seal))],
            )
    return other


async def test_a_log_that_witnesses_did_not_see_is_refused_whoever_signed_it(
    sealed: SealedLedger, policy: Policy, tmp_path: Path
) -> None:
    witness = Cosigner("seen.example/witness", Ed25519PrivateKey.generate())
    watched = replace(policy, witnesses=(witness.key,), quorum=1)
    other = await sealed_otherwise(sealed, tmp_path)
    await cosign(sealed, witness, 0)
    for settings in (sealed.settings, other):  # they have the first seal in common
        found = await verify_ledger(settings, watched, full=True)
        assert found.checks[1].says.endswith("seal 0 is the newest that the quorum cosigned")
    await cosign(sealed, witness, 1)
    found = await verify_ledger(sealed.settings, watched)
    assert found.checks[1].says.endswith("seal 1 is the newest that the quorum cosigned")
    for full in (False, True):  # by a proof from what was read before, and by what is read
        with pytest.raises(
            VerificationFailed,
            match=r"step 2, .*: checkpoint of size 2: .* another: the log was forked",
        ):
            await verify_ledger(other, watched, full=full)


async def test_records_after_the_newest_cosigned_seal_are_verified_again_until_one_covers_them(
    sealed: SealedLedger, policy: Policy
) -> None:
    witness = Cosigner("late.example/witness", Ed25519PrivateKey.generate())
    watched = replace(policy, witnesses=(witness.key,), quorum=1)
    settings, read, timed = sealed.settings, [], []
    for index, full in ((0, True), (0, False), (-1, False), (-1, False)):
        await cosign(sealed, witness, index)
        found = await verify_ledger(settings, watched, full=full)
        read.append(int(found.checks[3].says.partition(" records")[0]))
        timed.append(tuple(map(int, found.checks[5].says.partition(" records")[0].split(" of "))))
    assert read[0] > read[1] == read[2] > read[3]
    assert all(witnessed <= of_all for witnessed, of_all in timed)
    assert timed[1][0] == timed[3][0] == 0 < timed[2][0]


async def test_seals_that_the_quorum_leaves_alone_are_no_verified_ledger(
    sealed: SealedLedger, policy: Policy
) -> None:
    witness = Cosigner("asleep.example/witness", Ed25519PrivateKey.generate())
    watched = replace(policy, witnesses=(witness.key,), quorum=1)
    await cosign(sealed, witness, 0)
    made = moment_of(sealed.seals[1].seal.sealed_at_ms)
    soon = await verify_ledger(sealed.settings, watched, now=made + PATIENCE)
    assert (soon.checks[1].status, soon.result, soon.cosigned) == ("HOLDS", "VERIFIED", 0)
    assert "until seal 0" in list(lines(soon))[-2]
    late = await verify_ledger(sealed.settings, watched, now=made + PATIENCE + timedelta(seconds=1))
    assert (late.checks[1].status, late.result) == ("NOT_SHOWN", "INCOMPLETE")
    assert f"since {format_time(made)} it cosigned NO MORE" in late.checks[1].says
    asked_for_none = replace(watched, quorum=0)
    found = await verify_ledger(sealed.settings, asked_for_none, now=made + timedelta(days=1))
    assert found.checks[1].status == "HOLDS"


def test_a_seal_bounds_times_no_later_than_witnesses_saw_it(sealed: SealedLedger) -> None:
    one, place = sealed.seals[-1], sealed.seals[-1].seal.heads[0].place
    seen_at = moment_of(one.seal.sealed_at_ms) - timedelta(minutes=4)  # the sealer's clock is fast
    bound = Bound.of(Cosigned(one.seal, seen_at, one.note), place)
    assert (bound.made_at, bound.seen_at) == (seen_at, seen_at)
    seen_at += timedelta(minutes=5)
    bound = Bound.of(Cosigned(one.seal, seen_at, one.note), place)
    assert (bound.made_at, bound.seen_at) == (moment_of(one.seal.sealed_at_ms), seen_at)


async def test_a_bundle_of_the_live_ledger_has_the_same_bytes_each_time_and_verifies(
    sealed: SealedLedger, policy: Policy
) -> None:
    last = (await published(sealed.settings))[-1].seal.index
    told: list[tuple[int, int]] = []
    data = await export(sealed.settings, CASE, last, lambda read, total: told.append((read, total)))
    assert await export(sealed.settings, CASE, last) == data
    assert told[-1][0] == told[-1][1]
    found = verify_bundle(data, policy)
    assert (found.subject, found.seal) == (CASE, last)
    assert {one.status for one in found.checks} == {"HOLDS", "UNANCHORED"}
    with pytest.raises(NotFound, match="no seal covers an event of it"):
        await export(sealed.settings, "case/NOBODY")


async def test_a_case_that_is_sealed_and_not_cosigned_yet_is_not_denied(
    sealed: SealedLedger,
) -> None:
    settings = sealed.settings
    witness = Cosigner("behind.example/witness", Ed25519PrivateKey.generate())
    await cosign(sealed, witness, -1)
    await write(settings, "NEW", 3)
    await seal_all(settings)
    last = (await published(settings))[-1].seal.index
    subject = "case/NEW-2"  # the third of three, and in its own partition
    with pytest.raises(NotFound, match=f"seal {last} covers it, .* --seal {last} exports it"):
        await export(settings, subject)
    assert verify_bundle(await export(settings, subject, last), None).subject == subject
    with pytest.raises(NotFound, match="seal 0 covers no event of it"):
        await export(settings, subject, 0)


async def test_a_bundle_is_asked_for_with_all_that_it_would_hold(sealed: SealedLedger) -> None:
    asked: list[str] = []

    async def refuse(events: Sequence[Recorded]) -> None:
        asked.extend(one.event.event_id for one in events)
        raise Forbidden("this bundle", "a right that nobody has")

    with pytest.raises(Forbidden):
        await export(sealed.settings, CASE, demand=refuse)
    with ZipFile(BytesIO(await export(sealed.settings, CASE))) as bundle:
        history = json.loads(bundle.read(HISTORY))
    assert asked == [one["event_id"] for one in history] != []


async def test_a_kafka_that_does_not_answer_says_nothing_of_a_tree(sealed: SealedLedger) -> None:
    head = sealed.seals[-1].seal.heads[0]
    away = sealed.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(Unreachable):
        await check_tree(away, TreeTask(*head.place, (head,)))


async def test_records_whose_times_lie_outside_of_cosigned_seals_are_refused(
    sealed: SealedLedger,
) -> None:
    head = max(sealed.seals[-1].seal.heads, key=lambda one: one.size)
    assert head.topic == sealed.settings.events_topic
    last = sealed.log[head.place][-1]
    at, half = moment_of(last.timestamp_ms), head.size // 2
    for bound, expected in (
        (Bound(half, at + timedelta(hours=1), at + timedelta(hours=1)), "not before the seal"),
        (Bound(head.size, at - timedelta(days=2), at - timedelta(days=1)), "not after the seal"),
    ):
        task = TreeTask(*head.place, (head,), bounds=(bound,))
        failure = (await check_tree(sealed.settings, task)).failure
        assert failure is not None
        assert failure[0].startswith(f"time of {head.topic}/{head.partition}:")
        assert failure[1].startswith(expected)


async def test_times_of_the_directory_s_records_are_held_as_well(sealed: SealedLedger) -> None:
    head = sealed.seals[-1].seal.heads[0]
    assert head.topic == sealed.settings.directory_topic
    at = moment_of(sealed.log[head.place][0].timestamp_ms)
    task = TreeTask(*head.place, (head,), clock=LOG_APPEND_TIME)
    early = Bound(head.size, at - timedelta(days=2), at - timedelta(days=1))
    failure = (await check_tree(sealed.settings, replace(task, bounds=(early,)))).failure
    assert failure is not None
    assert failure[0] == f"time of {head.topic}/0:0"
    assert failure[1].startswith("not after the seal with it")
    of_no_clock = replace(task, bounds=(early,), clock=None)
    assert (await check_tree(sealed.settings, of_no_clock)).failure is None
    before = Bound(0, at + timedelta(days=1), at + timedelta(days=1))
    failure = (await check_tree(sealed.settings, replace(task, bounds=(before,)))).failure
    assert failure is not None
    assert failure[1].startswith("not before the seal without it")
    found = await check_tree(sealed.settings, task)
    assert found.timed == found.records > 0


@pytest.mark.parametrize(
    ("change", "full", "match"),
    [
        (
            lambda one: replace(one, last=replace(one.last, leaf=b"\1" * 32)),
            False,
            "step 4, .*, record .*: expected the one that was verified before, found another",
        ),
        (
            lambda one: replace(one, last=Last(10**6, b"\1" * 32)),
            False,
            "step 4, .* expected records up to offset 1000000, found the end of the log",
        ),
        (
            lambda one: replace(one, frontier=frontier_of(one.size)),
            True,
            "step 4, .*, its first .* records: expected those that were verified before",
        ),
    ],
    ids=["changed", "shortened", "changed before"],
)
async def test_what_was_verified_is_missed_when_it_is_gone_though_nothing_new_is_there(
    sealed: SealedLedger,
    policy: Policy,
    change: Callable[[Reached], Reached],
    full: bool,
    match: str,
) -> None:
    settings, place = sealed.settings, f"{sealed.settings.events_topic}/2"
    await verify_ledger(settings, policy, full=True)
    state = read_state(settings, policy)
    assert state is not None
    trees = {**state.trees, place: change(state.trees[place])}
    state_path(settings).write_bytes(to_json(replace(state, trees=trees)))
    with pytest.raises(VerificationFailed, match=match):
        await verify_ledger(settings, policy, full=full)
    forget(settings)


def frontier_of(size: int) -> bytes:
    """Of a tree that nobody has."""
    other = Frontier()
    other.extend(bytes([n % 251]) * 32 for n in range(size))
    return other.to_bytes()


@pytest.mark.parametrize(
    ("before", "match"),
    [
        (LogReached(10**6, b"\1" * 32), "expected the 1000000 that were verified before"),
        (LogReached(1, b"\1" * 32), "log of seals at size 1: .* the log was forked"),
    ],
    ids=["shortened", "another"],
)
async def test_seals_that_were_verified_have_to_be_there_again(
    sealed: SealedLedger, policy: Policy, before: LogReached, match: str
) -> None:
    settings = sealed.settings
    await verify_ledger(settings, policy)
    state = read_state(settings, policy)
    assert state is not None
    state_path(settings).write_bytes(to_json(replace(state, log=before)))
    for full in (False, True):
        with pytest.raises(VerificationFailed, match=match):
            await verify_ledger(settings, policy, full=full)
    forget(settings)


async def test_the_map_of_every_seal_is_compared_not_only_that_of_the_last(
    sealed: SealedLedger,
) -> None:
    place = max(sealed.seals[-1].seal.heads, key=lambda one: one.size).place
    heads = sorted({one.seal.head(*place) for one in sealed.seals}, key=lambda one: one.size)
    assert (await check_tree(sealed.settings, TreeTask(*place, tuple(heads)))).failure is None
    lying = replace(heads[0], map_root=b"\1" * 32)
    for some in ((lying, *heads[1:]), (lying, *heads)):
        failure = (await check_tree(sealed.settings, TreeTask(*place, some))).failure
        assert failure is not None
        assert failure[0] == f"map of {place[0]}/{place[1]} at {lying.size} records"


async def test_two_checkpoints_of_one_size_are_a_fork(sealed: SealedLedger, policy: Policy) -> None:
    settings = sealed.settings
    signer = seal_signer(KeyStore(settings.keys), LEDGER)
    true = (await published(settings))[-1]
    text = Checkpoint(true.checkpoint.origin, true.checkpoint.size, b"\7" * 32).text()
    producer = kafka.producer(settings)
    async with kafka.connected(settings, producer):
        await producer.send_and_wait(
            settings.seals_topic,
            Note(text, (signer.sign(text),)).to_bytes(),
            headers=[("runut-seal", true.entry)],
        )
    for full in (False, True):
        with pytest.raises(
            VerificationFailed, match=r"step 1, log of seals: .* the log was forked"
        ):
            await verify_ledger(settings, policy, full=full)
