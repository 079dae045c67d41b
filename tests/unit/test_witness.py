"""A witness: what it cosigns, what it refuses and how it says so, and what survives a crash."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.witness.attending import Attendance, Attended
from audit.witness.differences import first_difference
from audit.witness.home import About, Home, make_home, open_home
from audit.witness.log_client import LogClient
from audit.witness.refusals import Ahead, Behind, Difference, Forked, NotCosigned
from audit.witness.service import serve
from audit.witness.state import Refusal, WitnessState
from runut import notes
from runut.errors import BadFile, BadInput, LedgerMismatch, NotAdmitted, NotFound, Unreachable
from runut.notes import Checkpoint, NoteSigner, parse_note
from runut.seals import Seal, TreeHead
from runut.tiles import Tile
from tests import pretend_log
from tests.pretend_log import DIRECTORY, SIGNER, START_MS, URL, PretendLog, record_entry

EVENTS, OTHERS = ("runut.events", 0), ("runut.events", 1)
NOW_S = START_MS // 1000 + 86_400


class Clock:
    def __init__(self) -> None:
        self.now_s = float(NOW_S)

    def __call__(self) -> float:
        return self.now_s


class Watch:
    """A witness in a directory of its own, of agency kp2mi, and the log that it is shown."""

    def __init__(self, folder: Path, log: PretendLog, name: str = "kp2mi/witness") -> None:
        about = About(name, str(SIGNER.key), URL, "kp2mi")
        self.home = make_home(folder / name.replace("/", "-"), about)
        self.clock = Clock()
        log.witnesses.append(self.home.cosigner.key)

    @asynccontextmanager
    async def at(self, log: PretendLog) -> AsyncIterator[Attendance]:
        client = LogClient(URL, self.home.token(), log.transport())
        with self.state() as state:
            yield Attendance(self.home, state, client, self.clock)
        await client.close()

    async def attend(self, log: PretendLog) -> Attended:
        async with self.at(log) as attendance:
            return await attendance.attend()

    @contextmanager
    def state(self) -> Iterator[WitnessState]:
        found = WitnessState(self.home.state)
        try:
            yield found
        finally:
            found.close()

    def sizes(self) -> Mapping[str, int]:
        with self.state() as state:
            return state.sizes()

    def refusal(self) -> Refusal | None:
        with self.state() as state:
            return state.last_refusal()


@pytest.fixture
def log() -> PretendLog:
    """Three seals, over tiles that are full and ones that are not."""
    found = PretendLog()
    found.add(DIRECTORY, "ledger/nusantara", "agency/kp2mi", "agency/kbri-kl")
    found.seal()
    found.add(EVENTS, *(f"case/{number % 90}" for number in range(700)))
    found.add_filler(EVENTS)
    found.seal()
    found.add(OTHERS, "case/x", "case/y", "case/x")
    found.add(EVENTS, "case/1")
    found.seal()
    return found


@pytest.fixture
def watch(tmp_path: Path, log: PretendLog) -> Watch:
    return Watch(tmp_path, log)


def swap_first(entries: dict[tuple[str, int], list[bytes]]) -> None:
    entries[EVENTS][:2] = reversed(entries[EVENTS][:2])


def grown(log: PretendLog) -> PretendLog:
    log.add(EVENTS, "case/1", "case/new")
    log.seal()
    return log


async def test_a_witness_recomputes_everything_and_cosigns(log: PretendLog, watch: Watch) -> None:
    found = await watch.attend(log)
    assert (found.checkpoint, found.time_s) == (log.checkpoint(), NOW_S)
    assert (found.new_seals, found.new_records, found.not_delivered) == (3, 708, None)
    [cosigned] = log.cosigned
    assert notes.verified(cosigned, [SIGNER.key, watch.home.cosigner.key]) == (
        notes.Signed(SIGNER.key, None),
        notes.Signed(watch.home.cosigner.key, NOW_S),
    )
    assert parse_note(watch.home.checkpoint.read_bytes()) == cosigned
    assert watch.sizes() == {
        "seals": 3,
        "runut.directory/0": 3,
        "runut.events/0": 702,
        "runut.events/1": 3,
    }


async def test_it_goes_on_from_what_it_keeps_and_fetches_no_more(
    log: PretendLog, watch: Watch
) -> None:
    await watch.attend(log)
    log.asked.clear()
    found = await watch.attend(grown(log))
    assert (found.new_seals, found.new_records) == (1, 2)
    assert set(log.asked) == {
        "seals/checkpoint",
        "seals/tile/entries/000.p/4",
        "runut.events/0/tile/entries/002.p/192",
        "cosignatures",
    }


async def test_three_witnesses_cosign_one_checkpoint(log: PretendLog, tmp_path: Path) -> None:
    names = ["kp2mi/witness", "ngo/witness", "ombudsman/witness"]
    for watch in [Watch(tmp_path, log, name) for name in names]:
        await watch.attend(log)
    together = log.note().signed_also(one for note in log.cosigned for one in note.signatures)
    found = notes.verified(together, log.witnesses)
    assert [one.key.name for one in found] == names


async def test_the_same_checkpoint_is_cosigned_and_delivered_once(
    log: PretendLog, watch: Watch
) -> None:
    first = await watch.attend(log)
    watch.clock.now_s += 3600
    assert await watch.attend(log) == msgspec.structs.replace(
        first, new_seals=0, new_records=0, alerts=()
    )
    assert len(log.cosigned) == 1


async def test_its_time_never_runs_backwards(log: PretendLog, watch: Watch) -> None:
    await watch.attend(log)
    watch.clock.now_s -= 200
    assert (await watch.attend(grown(log))).time_s == NOW_S
    watch.clock.now_s -= 200
    with pytest.raises(Ahead, match="our clock"):
        await watch.attend(grown(log))


async def test_records_about_its_own_agency_raise_an_alert_each_once(
    log: PretendLog, watch: Watch
) -> None:
    assert [(one.tree, one.offset) for one in (await watch.attend(log)).alerts] == [
        ("runut.directory/0", 1)
    ]
    assert (await watch.attend(log)).alerts == ()
    log.add(DIRECTORY, "agency/other", "agency/kp2mi")
    log.add(EVENTS, "agency/kp2mi")
    log.seal()
    found = (await watch.attend(log)).alerts
    assert [(one.tree, one.offset) for one in found] == [
        ("runut.directory/0", 4),
        ("runut.events/0", 702),
    ]
    with watch.state() as state:
        assert len(state.alerts()) == 3


async def forked(log: PretendLog, watch: Watch) -> tuple[Difference, ...]:
    with pytest.raises(Forked, match="FORK of nusantara/seals") as found:
        await watch.attend(log)
    return found.value.differences


async def test_an_event_rewritten_and_everything_recomputed_is_refused_naming_it(
    log: PretendLog, watch: Watch
) -> None:
    await watch.attend(log)
    cosigned = watch.home.checkpoint.read_bytes()

    def rewrite(entries: dict[tuple[str, int], list[bytes]]) -> None:
        entries[EVENTS][517] = record_entry("case/7", "another amount")
        entries[OTHERS][2] = record_entry("case/x", "another agency")

    other = log.rewritten(rewrite)
    expected = (
        Difference("seals", 1),
        Difference("runut.events/0", 517),
        Difference("runut.events/1", 2),
    )
    assert await forked(other, watch) == expected
    assert await forked(grown(other), watch) == expected
    refusal = watch.refusal()
    assert refusal is not None
    assert "seal 1, runut.events/0 offset 517, runut.events/1 offset 2" in refusal.reason
    assert parse_note(refusal.note) == other.note()  # two notes of the ledger: evidence
    assert not other.cosigned
    assert watch.home.checkpoint.read_bytes() == cosigned
    assert (await watch.attend(grown(log))).new_seals == 1  # the genuine one is still the log


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda found: found.pop(701), 701),
        (lambda found: found.pop(0), 0),
        (lambda found: found.insert(300, record_entry("case/3", "backdated")), 300),
        (lambda found: found.append(found.pop(255)), 255),
        (lambda found: found.insert(256, found[255]), 256),
    ],
    ids=["last dropped", "first dropped", "one inserted", "reordered", "doubled"],
)
async def test_whatever_was_done_to_the_past_its_first_trace_is_named(
    log: PretendLog, watch: Watch, change: Callable[[list[bytes]], None], expected: int
) -> None:
    await watch.attend(log)
    log.add(EVENTS, "case/1", "case/2")
    log.seal()
    other = log.rewritten(lambda entries: change(entries[EVENTS]))
    if expected < 701:
        assert Difference("runut.events/0", expected) in await forked(other, watch)
    else:
        assert await forked(other, watch) == (
            Difference("seals", 2),
            Difference("runut.events/0", expected),
        )


async def test_an_older_checkpoint_is_not_cosigned_and_is_no_fork(
    log: PretendLog, watch: Watch
) -> None:
    await watch.attend(log)
    log.shown = 2
    with pytest.raises(Behind, match="size 3 or more, found one of size 2"):
        await watch.attend(log)
    log.shown = None
    assert (await watch.attend(log)).new_seals == 0


async def test_a_log_set_back_that_went_another_way_is_a_fork(
    log: PretendLog, watch: Watch
) -> None:
    await watch.attend(log)
    restored = PretendLog({place: list(found) for place, found in log.entries.items()})
    restored.seals, restored.now_ms = log.seals[:2], log.seals[1].sealed_at_ms + 7
    restored.seal()
    assert await forked(restored, watch) == (Difference("seals", 2),)
    restored.shown, restored.seals[1] = 2, restored.seals[2]
    assert Difference("seals", 1) in await forked(restored, watch)


def sealed_otherwise(log: PretendLog, **changes: object) -> None:
    """Seal again, with something else in the head of runut.events/0."""
    made = log.seal()
    heads = [
        msgspec.structs.replace(one, **changes) if one.place == EVENTS else one
        for one in made.heads
    ]
    log.seals[-1] = msgspec.structs.replace(made, heads=tuple(heads))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"root": bytes(32)}, r"tree of runut\.events/0 in seal 3: expected [0-9a-f]{64}, as its"),
        ({"map_root": bytes(32)}, r"map of runut\.events/0 in seal 3: expected [0-9a-f]{64}"),
        ({"size": 701}, "expected at least 702 leaves, found 701"),
    ],
)
async def test_a_seal_that_its_entries_do_not_give_is_refused(
    log: PretendLog, watch: Watch, changes: dict[str, object], reason: str
) -> None:
    await watch.attend(log)
    before = watch.sizes()
    log.add(EVENTS, "case/1")
    sealed_otherwise(log, **changes)
    with pytest.raises(NotCosigned, match=reason):
        await watch.attend(log)
    assert watch.sizes() == before


async def test_entries_that_do_not_belong_to_a_new_seal_are_refused(
    log: PretendLog, watch: Watch
) -> None:
    log.entries[EVENTS][3] = b"runut/filler/v1\n of another place"
    log.seals.clear()
    log.seal()
    with pytest.raises(NotCosigned, match=r"runut\.events/0 offset 3: expected the filler"):
        await watch.attend(log)


async def test_a_past_rewritten_under_a_new_seal_alone_is_a_fork(
    log: PretendLog, watch: Watch
) -> None:
    await watch.attend(log)
    log.entries[EVENTS][20] = record_entry("case/20", "rewritten")
    log.add(EVENTS, "case/20")
    log.seal()
    assert await forked(log, watch) == (Difference("runut.events/0", 20),)


@pytest.mark.parametrize("at_ms", [-60_000, 86_400_000 + 200_000])
async def test_a_seal_of_an_impossible_time_is_refused(
    log: PretendLog, watch: Watch, at_ms: int
) -> None:
    await watch.attend(log)
    log.now_ms = START_MS + at_ms - 60_000 + 301_000 * (at_ms > 0)
    log.seal()
    with pytest.raises(NotCosigned, match="time") as found:
        await watch.attend(log)
    assert isinstance(found.value, Ahead) == (at_ms > 0)
    if at_ms > 0:  # it ends by itself
        watch.clock.now_s += 3600
        assert (await watch.attend(log)).new_seals == 1


@pytest.mark.parametrize(
    ("signer", "reason"),
    [
        (NoteSigner("nusantara/seals", Ed25519PrivateKey.generate()), "a signature of nusantara"),
        (NoteSigner("other/seals", Ed25519PrivateKey.generate()), "a signature of nusantara"),
    ],
)
async def test_a_checkpoint_by_another_key_is_refused(
    log: PretendLog, watch: Watch, signer: NoteSigner, reason: str
) -> None:
    log.signer = signer
    with pytest.raises(NotCosigned, match=reason):
        await watch.attend(log)


async def test_another_log_signed_by_the_ledgers_key_is_refused(
    log: PretendLog, watch: Watch
) -> None:
    text = Checkpoint("nusantara/drafts", 3, bytes(32)).text()
    note = notes.Note(text, (SIGNER.sign(text),))
    log.answers["seals/checkpoint"] = lambda _: httpx.Response(200, content=note.to_bytes())
    with pytest.raises(NotCosigned, match="origin of the checkpoint: expected nusantara/seals"):
        await watch.attend(log)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff", b"x\n\n- y z\n"])
async def test_what_is_no_checkpoint_is_refused(
    log: PretendLog, watch: Watch, content: bytes
) -> None:
    log.answers["seals/checkpoint"] = lambda _: httpx.Response(200, content=content)
    with pytest.raises(NotCosigned):
        await watch.attend(log)


async def test_a_checkpoint_that_the_seals_do_not_give_is_refused(
    log: PretendLog, watch: Watch
) -> None:
    text = Checkpoint(SIGNER.key.name, 3, bytes(32)).text()
    note = notes.Note(text, (SIGNER.sign(text),))
    log.answers["seals/checkpoint"] = lambda _: httpx.Response(200, content=note.to_bytes())
    with pytest.raises(Forked, match="nowhere in its tiles"):
        await watch.attend(log)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"\x00\x01"),
        httpx.Response(200, content=b"\x00\x00" * 256),
        httpx.Response(200, content=b"\x00" * (33 * 1024 * 1024)),
    ],
    ids=["nothing", "less than it says", "others", "too much"],
)
async def test_a_log_that_serves_rubbish_is_refused(
    log: PretendLog, watch: Watch, answer: httpx.Response
) -> None:
    log.answers["runut.events/0/tile/entries/000"] = lambda _: answer
    with pytest.raises(NotCosigned, match=r"runut\.events/0"):
        await watch.attend(log)


class Flipping(httpx.AsyncBaseTransport):
    """Changes one bit of one answer."""

    def __init__(self, log: PretendLog, which: int, bit: int) -> None:
        self.log, self.which, self.bit = log, which, bit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        number = len(self.log.asked)
        answer = self.log.answer(request)
        if number != self.which:
            return answer
        content = bytearray(answer.content)
        content[self.bit // 8 % len(content)] ^= 1 << self.bit % 8
        return httpx.Response(answer.status_code, content=bytes(content))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 9), st.integers(0, 2**20))
async def test_a_bit_flipped_in_any_answer_never_changes_what_is_cosigned(
    which: int, bit: int
) -> None:
    log = PretendLog()
    log.add(DIRECTORY, "ledger/nusantara", "agency/kp2mi")
    log.add(EVENTS, *(f"case/{number % 7}" for number in range(300)))
    log.seal()
    log.add(OTHERS, "case/x")
    log.seal()
    with TemporaryDirectory() as folder:
        watch = Watch(Path(folder), log)
        client = LogClient(URL, None, Flipping(log, which, bit))
        with watch.state() as state:
            try:
                found = await Attendance(watch.home, state, client, watch.clock).attend()
                assert found.checkpoint == log.checkpoint()
            except NotCosigned:
                assert not watch.home.checkpoint.exists()
        await client.close()


async def test_a_log_that_is_away_is_no_refusal(log: PretendLog, watch: Watch) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    log.answers["seals/checkpoint"] = away
    with pytest.raises(Unreachable, match=r"the log does not answer at https://ledger\.example"):
        await watch.attend(log)
    log.answers = {"runut.events/0/tile/entries/001": lambda _: httpx.Response(503)}
    with pytest.raises(Unreachable, match=r"503 for runut\.events/0/tile/entries/001"):
        await watch.attend(log)
    log.answers = {"seals/checkpoint": lambda _: httpx.Response(404)}
    with pytest.raises(NotFound, match="nothing was sealed yet"):
        await watch.attend(log)
    assert watch.refusal() is None


async def test_seals_that_were_recomputed_stay_so_when_the_log_goes_away(
    log: PretendLog, watch: Watch
) -> None:
    log.answers["runut.events/1/tile/entries/000.p/3"] = lambda _: httpx.Response(502)
    with pytest.raises(Unreachable):
        await watch.attend(log)
    assert watch.sizes()["seals"] == 2
    log.answers.clear()
    assert (await watch.attend(log)).new_seals == 1


async def test_it_shows_its_token_and_says_when_it_is_not_let_in(
    log: PretendLog, watch: Watch
) -> None:
    log.tokens = {"let-me-in"}
    with pytest.raises(NotAdmitted, match="does not know our token"):
        await watch.attend(log)
    token = watch.home.path / "token"
    token.write_text("let-me-in\n")
    token.chmod(0o644)
    with pytest.raises(BadFile, match="chmod 600"):
        await watch.attend(log)
    token.chmod(0o600)
    assert (await watch.attend(log)).not_delivered is None


async def test_a_cosignature_that_is_not_taken_is_handed_in_again(
    log: PretendLog, watch: Watch
) -> None:
    log.answers["cosignatures"] = lambda _: httpx.Response(503, text="later")
    not_delivered = (await watch.attend(log)).not_delivered
    assert not_delivered is not None
    assert "expected 2xx, found 503 later" in not_delivered
    problem = {"type": "urn:x", "title": "t" * 500, "status": 422, "detail": "nobody knows you"}
    log.answers["cosignatures"] = lambda _: httpx.Response(422, json=problem)
    not_delivered = (await watch.attend(log)).not_delivered
    assert not_delivered is not None
    assert not_delivered.endswith("expected 2xx, found 422 nobody knows you")
    cosigned = watch.home.checkpoint.read_bytes()
    log.answers.clear()
    watch.clock.now_s += 60
    assert (await watch.attend(log)).not_delivered is None
    assert log.cosigned[0].to_bytes() == cosigned


class Killed(BaseException):
    pass


async def test_what_is_cosigned_is_on_the_disk_before_it_is_signed(
    log: PretendLog, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(notes.Cosigner, "cosign", killed)
        with pytest.raises(Killed):
            await watch.attend(log)
    with watch.state() as state:
        intended = state.last_cosignature()
    assert intended is not None
    assert (intended.size, intended.time_s, intended.line) == (3, NOW_S, None)
    watch.clock.now_s += 60
    assert (await watch.attend(log)).time_s == NOW_S


async def test_a_checkpoint_entered_by_hand_must_be_passed_through(
    log: PretendLog, watch: Watch
) -> None:
    with watch.state() as state:
        state.trust(log.checkpoint())
    other = log.rewritten(swap_first)
    with pytest.raises(NotCosigned, match=r"log of 3 seals: expected root [0-9a-f]{64}, entered"):
        await watch.attend(other)
    log.shown = 2
    with pytest.raises(Behind, match="size 3 or more"):
        await watch.attend(log)
    log.shown = None
    assert (await watch.attend(grown(log))).new_seals == 4


async def test_two_witnesses_do_not_share_a_state(log: PretendLog, watch: Watch) -> None:
    async with watch.at(log):
        with pytest.raises(LedgerMismatch, match="expected one witness at work"):
            await watch.attend(log)


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + bytes(4080)])
def test_another_file_is_no_state(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "state.sqlite"
    file.write_bytes(content)
    with pytest.raises(BadFile, match=r"state\.sqlite"):
        WitnessState(file)


async def test_the_service_waits_for_what_mends_itself_and_ends_at_a_fork(
    log: PretendLog, watch: Watch
) -> None:
    shown = [
        lambda: httpx.Response(404),
        lambda: httpx.Response(503),
        lambda: httpx.Response(200, content=log.note().to_bytes()),
        lambda: httpx.Response(200, content=log.note().to_bytes()),
    ]

    def next_answer(request: httpx.Request) -> httpx.Response:
        if shown:
            return shown.pop(0)()
        other = log.rewritten(swap_first)
        log.answers.clear()
        log.entries, log.seals = other.entries, other.seals
        return httpx.Response(200, content=log.note().to_bytes())

    log.answers["seals/checkpoint"] = next_answer
    async with watch.at(log) as attendance:
        with pytest.raises(Forked, match="offset 0"):
            await serve(attendance, 0.0)
    assert not shown
    assert len(log.cosigned) == 1


def test_a_witness_is_made_once_and_its_files_are_its_own(tmp_path: Path) -> None:
    about = About("kp2mi/witness", str(SIGNER.key), URL)
    home = make_home(tmp_path / "w", about)
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in home.path.iterdir()} == {0o600}
    again = open_home(home.path)
    assert (again.about, again.cosigner.key) == (about, home.cosigner.key)
    with pytest.raises(BadFile, match="no witness yet"):
        make_home(home.path, about)


@pytest.mark.parametrize(
    ("about", "thing"),
    [
        (About("two words", str(SIGNER.key), URL), "name of a key"),
        (About("w", "nusantara", URL), "verifier key"),
        (About("w", str(notes.Cosigner("w", Ed25519PrivateKey.generate()).key), URL), "ledger"),
        (About("w", str(SIGNER.key), "ftp://ledger"), "log"),
        (About("w", str(SIGNER.key), URL, "KP2MI"), "agency"),
    ],
)
def test_what_can_be_no_witness_is_not_made(tmp_path: Path, about: About, thing: str) -> None:
    with pytest.raises(BadInput) as found:
        make_home(tmp_path / "w", about)
    assert found.value.thing.startswith(thing)
    assert not (tmp_path / "w").exists()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "w", About("kp2mi/witness", str(SIGNER.key), URL))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("key", "PRIVATE+KEY+kp2mi/witness+00000000+BAAA"),
        ("key", "no key"),
        ("witness.toml", "name = "),
        ("witness.toml", 'name = "w"\n'),
        ("witness.toml", 'name = "w"\nledger = "x"\nlog = "https://l"\n'),
    ],
)
def test_a_broken_file_of_a_witness_is_named(home: Home, file: str, content: str) -> None:
    (home.path / file).write_text(content)
    with pytest.raises(BadFile, match=file.replace(".", r"\.")):
        open_home(home.path)


def test_a_key_of_another_witness_is_refused(home: Home, tmp_path: Path) -> None:
    other = make_home(tmp_path / "o", About("ngo/witness", str(SIGNER.key), URL))
    (home.path / "key").write_bytes((other.path / "key").read_bytes())
    with pytest.raises(BadFile, match="the key of kp2mi/witness"):
        open_home(home.path)
    (home.path / "key").chmod(0o640)
    with pytest.raises(BadFile, match="chmod 600"):
        open_home(home.path)
    with pytest.raises(BadFile, match="runut witness new"):
        open_home(tmp_path)


@settings(deadline=None, max_examples=60)
@given(st.data())
async def test_the_first_difference_is_found_wherever_it_is(data: st.DataObject) -> None:
    size, more = data.draw(st.integers(1, 140_000)), data.draw(st.integers(0, 700))
    first = data.draw(st.integers(0, size))
    later = data.draw(st.sets(st.integers(first, size), max_size=3))
    fetched = []

    def reader(changed: frozenset[int], leaves: int) -> Callable[[Tile], object]:
        async def read(tile: Tile) -> list[bytes]:
            fetched.append(tile)
            span = 256**tile.level
            start = tile.index * 256
            assert (start + tile.width) * span <= leaves
            return [
                bytes(any(index * span <= one < (index + 1) * span for one in changed) for _ in [0])
                + index.to_bytes(4)
                for index in range(start, start + tile.width)
            ]

        return read

    ours = reader(frozenset(), size)
    theirs = reader(frozenset({first, *later}), size + more)
    found = await first_difference(ours, size, theirs, size + more)  # type: ignore[arg-type]
    assert found == (first if first < size else None)
    assert len(fetched) <= 12


def test_the_pretended_log_is_a_log() -> None:
    """What tests are held to is held to the core."""
    log = PretendLog()
    log.add(EVENTS, "a", "b", "a")
    seal = log.seal()
    assert isinstance(seal, Seal)
    assert seal.head(*EVENTS) == pretend_log.head(EVENTS, log.entries[EVENTS])
    assert isinstance(seal.head(*OTHERS), TreeHead)
    assert seal.head(*OTHERS).size == 0
