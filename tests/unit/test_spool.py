"""Events kept in a file: on the disk when they are accepted, in order, and never lost by us."""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runut.errors import BadFile, BadInput, NotFound, SpoolFull
from runut.event import Event
from runut.event_ids import new_event_id
from runut.events import AgentRegistered, ContactLogged, PersonRef
from runut.json_form import from_json, json_bytes
from runut.spool import Spool
from runut.tracing import following
from tests.builders import ROOT

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def contact(number: int = 0, subject: str = "case/A", **meta: Any) -> Event:
    made = ContactLogged(
        contact_id=f"c-{number}", mode="PHONE", direction="OUTGOING", summary="Ditelepon."
    )
    return made.on(subject, agency="kp2mi", **meta)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.spool"


def test_what_was_kept_is_there_after_a_crash_as_it_was_accepted(path: Path) -> None:
    private = PersonRef(person_id="p", sealed=b"\x00\xff", key_id="k")
    event = contact(1, private=private, legal_basis="UU 18/2017")
    program = f"""
import os, orjson
from runut.json_form import from_json
from runut.spool import Spool
kept = Spool({str(path)!r}).keep(from_json(orjson.loads(input())))
print(kept[0].event_id, flush=True)
os._exit(9)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json_bytes(event),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stdout.decode().strip()) == (9, event.event_id)
    with Spool(path) as spool:
        (entry,) = spool.waiting(10)
    assert entry.event() == event


def test_events_wait_in_their_order_until_they_are_recorded(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(*(contact(n, f"case/{n % 2}") for n in range(5)))
        spool.keep(contact(5))
        found = spool.waiting(4)
        assert [one.event().data["contact_id"] for one in found] == ["c-0", "c-1", "c-2", "c-3"]
        spool.recorded([one.number for one in found[:3]])
        left = [one.event().data["contact_id"] for one in spool.waiting(10)]
        assert left == ["c-3", "c-4", "c-5"]


def test_a_number_is_never_used_again(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(contact())
        (first,) = spool.waiting(1)
        spool.recorded([first.number])
    with Spool(path) as spool:
        spool.keep(contact())
        assert spool.waiting(1)[0].number > first.number


def test_a_parked_event_holds_up_its_subject_alone(path: Path) -> None:
    with Spool(path) as spool:
        events = [contact(0), contact(1), contact(2, "case/B")]
        spool.keep(*events)
        first, *_ = spool.waiting(10)
        spool.park({first.number: "no signing key"})
        assert [one.event() for one in spool.waiting(10)] == [events[2]]
        spool.keep(contact(3), contact(4, "case/B"))
        found = spool.standing()
        assert (found.waiting, found.held) == (2, 2)
        (parked,) = found.parked
        assert (parked.event_id, parked.reason) == (events[0].event_id, "no signing key")
        assert (parked.type, parked.subject, parked.agency) == ("ContactLogged", "case/A", "kp2mi")
        assert found.oldest == parked.kept_at
        spool.retry()
        assert [one.event() for one in spool.waiting(3)] == events


def test_only_what_is_parked_can_be_taken_out(path: Path) -> None:
    with Spool(path) as spool:
        bad, good = contact(0), contact(1)
        spool.keep(bad, good)
        with (
            pytest.raises(NotFound, match=f"{bad.event_id}: it is not parked in the spool"),
            spool.removing(bad.event_id),
        ):
            pass
        spool.park({spool.waiting(1)[0].number: "-"})
        with pytest.raises(BrokenPipeError), spool.removing(bad.event_id):
            raise BrokenPipeError
        with spool.removing(bad.event_id) as content:
            assert from_json(content) == bad
        assert [one.event() for one in spool.waiting(10)] == [good]
        assert spool.standing().parked == []


def test_what_is_no_event_of_an_agency_is_refused_at_once_and_nothing_is_kept(path: Path) -> None:
    licence = AgentRegistered(name="-", licence="-", valid_to="-", deposit="-")  # type: ignore[arg-type]
    marker = {"offset": 1, "root": b"\x00" * 32}
    of_the_ledger = {"type": "DirectoryAdvanced", "subject": "directory/0", "data": marker}
    about = {"agency": "runut", "occurred_at": contact().occurred_at}
    with Spool(path) as spool:
        with pytest.raises(BadInput, match=r"^data\.valid_to: expected a date"):
            spool.keep(contact(), licence.on("agent/A", agency="kp2mi"))
        with pytest.raises(BadInput, match=r"^type: expected an event of an agency"):
            spool.keep(contact(), from_json({**of_the_ledger, **about}))
        too_large = contact()
        too_large.data["summary"] = "x" * 300_000
        with pytest.raises(BadInput, match="262139 bytes at most"):
            spool.keep(contact(), too_large)
        assert spool.standing().waiting == 0


def test_the_trace_in_which_an_event_was_accepted_is_kept(path: Path) -> None:
    with Spool(path) as spool:
        with following({"traceparent": TRACE}):
            spool.keep(contact(1))
        spool.keep(contact(2))
        assert [one.traceparent for one in spool.waiting(10)] == [TRACE.encode(), None]


def fill(spool: Spool) -> int:
    """Keep events until there is no room; gives how many."""
    for number in itertools.count():
        try:
            spool.keep(contact(number, f"case/{number % 3}"))
        except SpoolFull:
            return number
    raise AssertionError


def test_a_full_spool_says_so_and_has_room_again_when_something_was_sent(path: Path) -> None:
    with Spool(path, max_bytes=60_000) as spool:
        kept = fill(spool)
        assert (spool.standing().waiting, spool.standing().used_bytes <= 60_000) == (kept, True)
        with pytest.raises(SpoolFull, match=r"expected 60000 bytes at most.*runut spool send") as e:
            spool.keep(contact())
        assert e.value.path == path
        first, *_ = spool.waiting(1)
        spool.park({first.number: "x" * 1000})  # there is room to say why one cannot be sent
        others = spool.waiting(kept)
        assert len(others) == kept - (kept + 2) // 3
        spool.recorded([one.number for one in others])
        assert 0 < fill(spool) <= len(others)


def test_a_smaller_limit_than_what_is_there_loses_nothing(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(*(contact(n) for n in range(500)))
    with Spool(path, max_bytes=1) as spool:
        with pytest.raises(SpoolFull):
            spool.keep(contact())
        assert spool.standing().waiting == 500


def test_what_is_no_spool_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text, foreign = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_bytes(b"Not a database at all. " * 1000)
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE event (number INTEGER)")
    other.close()
    for file, found in ((text, "file is not a database"), (foreign, "another program's database")):
        before = file.read_bytes()
        with pytest.raises(BadFile, match=rf"^spool {file}: expected a spool.*{found}"):
            Spool(file)
        assert file.read_bytes() == before
    with pytest.raises(BadFile, match="expected a file that can be read and written"):
        Spool(tmp_path)
    with pytest.raises(BadFile, match="expected a file that can be read and written"):
        Spool(tmp_path / "nowhere" / "events.spool")


def test_a_newer_format_is_refused(path: Path) -> None:
    Spool(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(BadFile, match="written by this release of Runut, found format 2"):
        Spool(path)


def test_a_damaged_spool_is_refused(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(*(contact(n) for n in range(500)))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + os.urandom(8192) + whole[16384:])
    with pytest.raises(BadFile, match=rf"^spool {path}: expected a (whole database|spool)"):
        Spool(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match=rf"^spool {path}: expected a (whole database|spool)"):
        Spool(path)


def test_none_is_made_where_one_is_only_looked_at(path: Path) -> None:
    with pytest.raises(NotFound, match=rf"^spool {path}: there is no such file"):
        Spool(path, create=False)
    assert not path.exists()


def test_only_its_user_can_read_it(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(contact())
        with spool.sole_sender():
            pass
        for file in path.parent.glob("events.spool*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_sent_leaves_no_trace_in_the_file(path: Path) -> None:
    with Spool(path) as spool:
        spool.keep(contact(7))
        spool.recorded([one.number for one in spool.waiting(1)])
    assert b"Ditelepon." not in path.read_bytes()
    assert not Path(f"{path}-wal").exists()


def test_processes_that_make_one_at_the_same_moment_share_it(path: Path) -> None:
    program = f"""
import sys
from runut.spool import Spool
from tests.unit.test_spool import contact
print("ready", flush=True)
input()
with Spool({str(path)!r}) as spool:
    for n in range(50):
        spool.keep(contact(n, f"case/{{sys.argv[1]}}"))
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        for n in range(2)
    ]
    for one in processes:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    for one in processes:
        one.communicate()
    assert [one.returncode for one in processes] == [0, 0]
    with Spool(path) as spool:
        found = [entry.event() for entry in spool.waiting(1000)]
    assert len(found) == 100
    for n in range(2):
        numbers = [one.data["contact_id"] for one in found if one.subject == f"case/{n}"]
        assert numbers == [f"c-{number}" for number in range(50)]


def test_many_that_make_one_at_the_same_moment_find_each_others_in_order(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def make(path: Path) -> None:
        together.wait()
        Spool(path).close()

    with ThreadPoolExecutor(6) as threads:
        for n in range(30):  # it takes some tries to meet in the middle of the making
            list(threads.map(make, [tmp_path / f"{n}.spool"] * 6))


def test_one_at_a_time_sends(path: Path) -> None:
    with Spool(path) as first, Spool(path) as second:
        with first.sole_sender() as ours:
            assert ours
            with second.sole_sender() as theirs:
                assert not theirs
        with second.sole_sender() as theirs:
            assert theirs


def test_a_child_process_does_not_use_its_parents_connection(path: Path) -> None:
    program = f"""
import os
from runut.spool import Spool
spool = Spool({str(path)!r})
if os.fork() == 0:
    try:
        spool.standing()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
print(spool.standing().waiting)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, text=True
    )
    assert done.stdout == "Spool: opened before a fork; open it in this process\n0\n"


def test_an_event_sent_twice_by_its_system_is_kept_twice(path: Path) -> None:
    event_id = new_event_id()
    with Spool(path) as spool:
        spool.keep(contact(1, event_id=event_id), contact(1, event_id=event_id))
        assert {one.event().event_id for one in spool.waiting(10)} == {event_id}
