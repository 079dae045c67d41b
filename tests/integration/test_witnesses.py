"""Witnesses of a real ledger: they recompute what it serves, and cannot be shown another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time

import httpx
import pytest
from fastapi import FastAPI

from audit.witness.attending import Attendance, Attended
from audit.witness.home import About, Home, make_home
from audit.witness.log_client import LogClient
from audit.witness.refusals import Difference, Forked
from audit.witness.state import WitnessState
from cli.web_seals import cosignatures
from dashboard import log_tiles
from projections.seals.log import latest_seal
from runut.access import Principal, Role
from runut.adapters.http import install_problems
from runut.adapters.postgres import Pool, connected
from runut.errors import NotAdmitted, Unauthenticated
from runut.keystore import KeyStore
from runut.notes import NoteSigner, verified
from runut.records import RawRecord, filler_entry, leaf_entry
from runut.seal_key import seal_signer
from runut.settings import Settings
from tests.integration.sealing_stage import LEDGER, Place, SealedLedger, seal_all, write
from tests.pretend_log import PretendLog, record_entry

URL = "http://ledger.test/log"
ROLES: dict[str, Role] = {"auditor": "AUDITOR", "reader": "READER"}


async def authenticate(header: str | None) -> Principal:
    role = ROLES.get((header or "").removeprefix("Bearer "))
    if role is None:
        raise Unauthenticated("none")
    return Principal(role.lower(), None, frozenset({role}))


def ledger_signer(settings: Settings) -> NoteSigner:
    return seal_signer(KeyStore(settings.keys), LEDGER)


def witness(folder: Path, name: str, settings: Settings) -> Home:
    about = About(f"{name}/witness", str(ledger_signer(settings).key), URL, "kp2mi")
    home = make_home(folder / name, about)
    token = home.path / "token"
    token.touch(0o600)
    token.write_text("auditor\n")
    return home


async def attend(home: Home, shown: httpx.AsyncBaseTransport) -> Attended:
    """Look once, as `runut witness sign` does."""
    client = LogClient(home.about.log, home.token(), shown)
    state = WitnessState(home.state)
    try:
        return await Attendance(home, state, client, time).attend()
    finally:
        state.close()
        await client.close()


async def look(homes: Sequence[Home], settings: Settings) -> list[Attended]:
    """Have each look at the ledger's own log once."""
    keys = " ".join(str(home.cosigner.key) for home in homes)
    settings = settings.model_copy(update={"witnesses": keys})
    async with Pool(settings, name="tests", size=2) as pool:
        app = FastAPI()
        app.state.authenticate = authenticate
        install_problems(app)
        take = cosignatures(settings, pool.lent)
        app.include_router(log_tiles.router(pool.lent, settings, take))
        return [await attend(home, httpx.ASGITransport(app)) for home in homes]


def entries_of(place: Place, records: Sequence[RawRecord]) -> list[bytes]:
    """The entry of each offset, from Kafka's records."""
    entries: list[bytes] = []
    for record in records:
        while len(entries) < record.offset:
            entries.append(filler_entry(*place, len(entries)))
        entries.append(leaf_entry(record.key, record.encoded()))
    return entries


@pytest.fixture
def homes(tmp_path: Path, sealed: SealedLedger) -> list[Home]:
    return [witness(tmp_path, name, sealed.settings) for name in ("kp2mi", "ngo", "ombudsman")]


async def test_three_witnesses_recompute_a_ledger_and_cosign_it(
    sealed: SealedLedger, homes: list[Home]
) -> None:
    attended = await look(homes, sealed.settings)
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        newest = await latest_seal(connection)
    keys = [home.cosigner.key for home in homes]
    assert {one.key for one in verified(newest.note, keys)} == set(keys)
    for one in attended:
        assert one.not_delivered is None
        assert one.checkpoint == newest.checkpoint
        assert one.new_records == sum(head.size for head in newest.seal.heads)
        assert {alert.tree for alert in one.alerts} == {f"{sealed.settings.directory_topic}/0"}


async def test_who_may_not_audit_may_not_witness(sealed: SealedLedger, homes: list[Home]) -> None:
    for token, found in (("reader", "does not let us read it"), ("x", "does not know our token")):
        (homes[0].path / "token").write_text(token)
        with pytest.raises(NotAdmitted, match=found):
            await look(homes[:1], sealed.settings)


async def test_an_operator_who_rewrites_an_event_and_recomputes_everything_is_caught(
    sealed: SealedLedger, homes: list[Home]
) -> None:
    await look(homes, sealed.settings)
    settings = sealed.settings
    entries = {place: entries_of(place, records) for place, records in sealed.log.items()}
    for head in sealed.seals[-1].seal.heads:  # what ends with control records has more offsets
        while len(entries[head.place]) < head.size:
            entries[head.place].append(filler_entry(*head.place, len(entries[head.place])))
    genuine = PretendLog(
        entries, [one.seal for one in sealed.seals], signer=ledger_signer(settings)
    )
    genuine.tokens = {"auditor"}
    assert genuine.checkpoint() == sealed.seals[-1].checkpoint
    victim = next(head for head in sealed.seals[-1].seal.heads if head.size > 300)

    def rewrite(found: dict[Place, list[bytes]]) -> None:
        found[victim.place][259] = record_entry("case/other", "what never happened")

    forged = genuine.rewritten(rewrite)
    forged.tokens = {"auditor"}
    for _ in range(2):  # as it was, and grown since
        for home in homes:
            with pytest.raises(Forked) as refused:
                await attend(home, forged.transport())
            assert Difference(f"{victim.topic}/{victim.partition}", 259) in (
                refused.value.differences
            )
        forged.seal()


async def test_a_witness_goes_on_with_a_growing_ledger(founded: Settings, tmp_path: Path) -> None:
    settings = founded.model_copy(update={"seal_interval_s": 0.1})
    home = witness(tmp_path, "kp2mi", settings)
    await seal_all(settings)
    [first] = await look([home], settings)
    await write(settings, "LATER", count=30)
    await seal_all(settings)
    [second] = await look([home], settings)
    assert second.checkpoint.size > first.checkpoint.size
    assert second.new_records >= 30
