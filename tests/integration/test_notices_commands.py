"""`runut notices` and what `runut status` says of them, as processes of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from runut.directory_writer import SYSTEM
from runut.keystore import KeyStore
from runut.webhooks import public_key_text
from tests.integration.outbox_stage import Stage
from tests.integration.test_look import Ended, runut

URL = "https://kbri-kl.example/notices"


async def test_endpoints_are_set_listed_and_removed(stage: Stage) -> None:
    async def endpoint(*arguments: str) -> Ended:
        return await runut(stage.settings, "notices", "endpoint", *arguments)

    set_ = await endpoint("set", "kbri-kl", "--webhook", URL)
    assert (set_.code, set_.out) == (0, f"notices for kbri-kl go to {URL}\n")
    await stage.tell("kbri-kl")
    [found] = (await endpoint("list", "--json")).document
    assert (found["agency"], found["kind"], found["address"]) == ("kbri-kl", "WEBHOOK", URL)
    assert (found["waiting"], found["parked"]) == (1, 0)
    again = await endpoint("set", "kbri-kl", "--email", "kasus@kbri-kl.example")
    assert again.code == 0
    assert "kasus@kbri-kl.example" in (await endpoint("list")).out
    assert (await endpoint("remove", "kbri-kl")).code == 0
    assert (await endpoint("list", "--json")).document == []


async def test_a_wrong_endpoint_is_refused_with_a_sentence(stage: Stage) -> None:
    for arguments, code, words in (
        (("kbri-kl", "--webhook", "http://kbri-kl.example/"), 1, "expected https://"),
        (("kbri-kl", "--email", "nobody"), 1, "expected such as notices@example.org"),
        (("nobody", "--email", "a@b.example"), 1, "agency nobody: expected a registered one"),
        (("kbri-kl",), 2, "expected --webhook URL or --email ADDRESS"),
        (("kbri-kl", "--email", "a@b.example", "--webhook", URL), 2, "expected --webhook URL or"),
    ):
        ended = await runut(stage.settings, "notices", "endpoint", "set", *arguments)
        assert (ended.code, ended.out) == (code, "")
        assert words in ended.err
        assert "Traceback" not in ended.err


async def test_notices_are_listed_by_agency_and_state_and_tried_again(stage: Stage) -> None:
    waiting, parked = await stage.tell("kbri-kl", about="L1"), await stage.tell("kemlu", about="L2")
    await stage.connection.execute(
        "UPDATE notice SET attempts = 7, parked_at = %s, last_error = 'no answer within 10 s'"
        " WHERE notice_id = %s",
        (datetime.now(UTC), parked),
    )

    async def ids(*arguments: str) -> list[str]:
        ended = await runut(stage.settings, "notices", "list", *arguments, "--json")
        return [one["notice_id"] for one in ended.document]

    assert await ids() == [parked, waiting]
    assert await ids("--limit", "1") == [parked]
    assert await ids("--agency", "kbri-kl") == [waiting]
    assert await ids("--state", "parked") == [parked]
    listed = await runut(stage.settings, "notices", "list")
    assert "WAITING, no endpoint" in listed.out
    assert "attempt 7: no answer within 10 s" in listed.out
    tried = await runut(stage.settings, "notices", "retry", parked, "--json")
    assert tried.document == {"tried": [parked]}
    assert await ids("--state", "parked") == []
    stranger = str(uuid4())
    missing = await runut(stage.settings, "notices", "retry", stranger)
    assert (missing.code, stranger in missing.err) == (1, True)
    assert (await runut(stage.settings, "notices", "retry")).code == 2


async def test_status_counts_notices_and_warns_of_what_is_parked(stage: Stage) -> None:
    await stage.send_to("kbri-kl", "WEBHOOK", URL)
    await stage.tell("kbri-kl")
    await stage.tell("kemlu")
    calm = (await runut(stage.settings, "status", "--json")).document
    assert calm["notices"]["oldest_waiting_at"] is not None
    assert {name: calm["notices"][name] for name in ("waiting", "without_endpoint", "parked")} == {
        "waiting": 1,
        "without_endpoint": 1,
        "parked": 0,
    }
    assert not [one for one in calm["warnings"] if "parked" in one]
    await stage.connection.execute("UPDATE notice SET parked_at = %s", (datetime.now(UTC),))
    status = await runut(stage.settings, "status", COLUMNS="200")
    assert "notices: 0 waiting, 0 without endpoint, 2 parked" in status.out
    assert "! 2 notices could not be delivered and are parked" in status.out


async def test_the_key_is_the_ledgers_own(stage: Stage) -> None:
    expected = public_key_text(KeyStore(stage.settings.keys).get(SYSTEM).public_key)
    shown = await runut(stage.settings, "notices", "key")
    assert shown.out.splitlines()[0] == expected
