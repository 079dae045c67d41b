"""Records that are no event: listed, shown, acknowledged, and counted by `runut status`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from projections import quarantine
from projections.batch import Changes
from projections.claims import Claim
from projections.health import health
from projections.quarantine import Place
from projections.store import Position, Quarantined, Store
from runut.adapters.postgres import Connection
from runut.errors import BadInput, NotFound
from runut.records import RawRecord
from runut.settings import Settings
from tests.builders import RECORDED_AT
from tests.integration.test_look import runut
from tests.unit.test_claims import VALUE

KP2MI = Claim("kp2mi-1", "kp2mi", "ClosureConsented")


async def put(connection: Connection, *found: Quarantined, at: int = 0) -> None:
    """Have the projector write records of partition 3 down, at offsets from `at`."""
    store = Store(connection)
    position: Position = (await store.claim([3]))[3]
    after = Position(3, position.epoch, at + len(found), b"-", RECORDED_AT, -1)
    await store.commit([(position, after)], Changes(), found)


def no_event(offset: int, value: bytes | None, claim: Claim = KP2MI) -> Quarantined:
    raw = RawRecord("runut.events", 3, offset, 0, 1, b"case/B", value, ())
    return Quarantined(raw, RECORDED_AT + timedelta(seconds=offset), f"reason {offset}", claim)


async def places(connection: Connection, **asked: object) -> list[str]:
    return [one["place"] for one in await quarantine.listed(connection, **asked)]  # type: ignore[arg-type]


async def test_the_newest_come_first_page_by_page_and_by_who_sent_them(
    connection: Connection,
) -> None:
    polri = Claim(agency="polri")
    await put(connection, *(no_event(at, b"x", polri if at % 2 else KP2MI) for at in range(5)))
    assert await places(connection) == ["3:4", "3:3", "3:2", "3:1", "3:0"]
    assert await places(connection, limit=2) == ["3:4", "3:3"]
    assert await places(connection, limit=2, after=Place(3, 3)) == ["3:2", "3:1"]
    assert await places(connection, agency="polri") == ["3:3", "3:1"]
    (first, *_) = await quarantine.listed(connection, agency="kp2mi")
    assert first == {
        "place": "3:4",
        "partition": 3,
        "offset": 4,
        "recorded_at": "2026-07-01T00:00:04Z",
        "reason": "reason 4",
        "key_id": "kp2mi-1",
        "agency": "kp2mi",
        "size": 1,
        "acknowledged": None,
    }


async def test_whoever_takes_note_first_stays_and_the_record_is_listed_no_more(
    connection: Connection,
) -> None:
    await put(connection, no_event(0, b"x"), no_event(1, b"x"))
    taken = {"by": "Rina", "at": "2026-07-01T00:00:00Z", "note": "sent again"}
    for by in ("Rina", "Budi"):
        (found,) = await quarantine.acknowledge(
            connection, [Place(3, 0)], by, " sent again ", RECORDED_AT
        )
        assert found["acknowledged"] == taken
    assert await places(connection) == ["3:1"]
    assert await places(connection, acknowledged_too=True) == ["3:1", "3:0"]
    figures = await health(connection, RECORDED_AT)
    assert (figures.quarantined, figures.unacknowledged) == (2, 1)


async def test_what_is_acknowledged_stays_so_when_the_read_models_are_made_again(
    connection: Connection,
) -> None:
    await put(connection, no_event(0, b"x"))
    await quarantine.acknowledge(connection, [Place(3, 0)], "Rina", "-", RECORDED_AT)
    await connection.execute("TRUNCATE quarantine, position")
    await put(connection, no_event(0, b"x"))
    assert await places(connection) == []
    # Another record at the same place is another log's.
    await connection.execute("TRUNCATE quarantine, position")
    await put(connection, no_event(0, b"y"))
    assert await places(connection) == ["3:0"]


async def test_of_several_all_or_none_is_acknowledged(connection: Connection) -> None:
    await put(connection, no_event(0, b"x"))
    with pytest.raises(NotFound, match="record 3:9: expected one in quarantine"):
        await quarantine.acknowledge(connection, [Place(3, 0), Place(3, 9)], "R", "-", RECORDED_AT)
    for by, note in (("", "-"), ("R", " "), ("R", "\x1b[2J"), ("R" * 201, "-")):
        with pytest.raises(BadInput, match="expected a line of 1 to"):
            await quarantine.acknowledge(connection, [Place(3, 0)], by, note, RECORDED_AT)
    assert await places(connection) == ["3:0"]


async def test_one_is_shown_with_what_it_says_as_far_as_it_can_be_read(
    connection: Connection,
) -> None:
    await put(
        connection,
        no_event(0, VALUE),
        no_event(1, VALUE[:-1]),
        no_event(2, VALUE + b"\0" * 2000),
        no_event(3, None, Claim()),
    )
    found = [await quarantine.shown(connection, Place(3, at)) for at in range(4)]
    assert found[0]["decoded"]["agency"] == "kp2mi"
    assert found[0]["undecoded"] is None
    assert "expected" in found[1]["undecoded"]
    assert found[2]["undecoded"] == f"of its {len(VALUE) + 2000} bytes the first 1024 are kept"
    assert (found[3]["value"], found[3]["size"], found[3]["decoded"]) == (None, None, None)
    with pytest.raises(NotFound, match="record 3:4"):
        await quarantine.shown(connection, Place(3, 4))


async def test_people_list_show_and_acknowledge_by_commands(
    connection: Connection, settings: Settings
) -> None:
    await put(connection, no_event(0, VALUE), no_event(1, b"\x1b[2J"))
    listed = await runut(settings, "quarantine", "list", "--agency", "kp2mi", "--json")
    assert [one["place"] for one in listed.document] == ["3:1", "3:0"]
    shown = await runut(settings, "quarantine", "show", "3:1")
    assert "0000  1b 5b 32 4a" in shown.out
    assert ".[2J" in shown.out
    assert "\x1b" not in shown.out
    assert "reason 1" in shown.out
    note = ("--by", "Rina, KP2MI", "--note", "asked them to send it again")
    done = await runut(settings, "quarantine", "acknowledge", "3:0", "3:1", *note)
    assert (done.code, done.err) == (0, "")
    assert [line.split(" at ")[0] for line in done.out.splitlines()] == [
        "3:0: Rina, KP2MI",
        "3:1: Rina, KP2MI",
    ]
    assert (await runut(settings, "quarantine", "list", "--json")).document == []
    wrong = await runut(settings, "quarantine", "show", "3/1")
    assert (wrong.code, wrong.out) == (2, "")
    assert "PARTITION:OFFSET" in wrong.err
