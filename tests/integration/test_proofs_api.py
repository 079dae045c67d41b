"""Checkpoints, proofs and the logs over HTTP, checked by what was read from Kafka alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from cli.web_seals import cosignatures
from dashboard import log_tiles, proofs
from projections.install import install
from projections.seals.log import latest_seal
from projections.seals.proofs import Proofs
from runut.access import Principal, Role
from runut.adapters.http import install_problems
from runut.adapters.postgres import Connection, Pool, connected
from runut.errors import SettingError, Unauthenticated
from runut.event import AgencyCode
from runut.merkle import leaf_hash, root
from runut.notes import Checkpoint, Cosigner, NoteSigner, parse_note, verified
from runut.proofs import GrowthProof, KeyProof, RecordProof
from runut.records import leaf_entry
from runut.seal_key import witness_keys
from runut.settings import Settings
from runut.tiles import TILE_WIDTH, GrowingTree, Tile, bundle_path, tile_width, unbundled
from tests.integration.outbox_stage import projecting, until
from tests.integration.sealing_stage import LEDGER, SealedLedger, leaves_of

ROLES: dict[str, Role] = {"auditor": "AUDITOR", "emitter": "EMITTER"}
WITNESS = Cosigner("lbh.example/witness", Ed25519PrivateKey.generate())


async def authenticate(header: str | None) -> Principal:
    role = ROLES.get((header or "").removeprefix("Bearer "))
    if role is None:
        raise Unauthenticated("none")
    return Principal(role.lower(), AgencyCode("kp2mi"), frozenset({role}))


@pytest.fixture
async def auditor(sealed: SealedLedger) -> AsyncIterator[httpx.AsyncClient]:
    """Asks with an auditor's token; paths are those below /api/v1."""
    settings = sealed.settings.model_copy(update={"witnesses": str(WITNESS.key)})
    async with Pool(settings, name="tests", size=2) as pool:
        app = FastAPI()
        app.state.authenticate = authenticate
        install_problems(app)
        take = cosignatures(settings, pool.lent)
        app.include_router(proofs.router(pool.lent, settings))
        app.include_router(log_tiles.router(pool.lent, settings, take))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://seals",
            headers={"Authorization": "Bearer auditor"},
        ) as client:
            yield client


async def document(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_checkpoints_are_those_that_kafka_has(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    for one in sealed.seals:
        found = await document(auditor, f"/checkpoints/{one.seal.index}")
        assert parse_note(found["note"].encode()).text == one.note.text
        assert (found["index"], found["size"]) == (one.seal.index, one.checkpoint.size)
        assert found["entry"] == one.entry.decode()
        assert [tree["size"] for tree in found["trees"]] == [h.size for h in one.seal.heads]
    newest = await document(auditor, "/checkpoints/latest")
    assert newest["index"] >= sealed.seals[-1].seal.index
    assert (await auditor.get(f"/checkpoints/{10**9}")).status_code == 404


async def test_an_event_s_receipt_is_found_by_its_id(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    settings = sealed.settings
    async with connected(settings, name="tests", autocommit=True) as connection:
        await install(connection, settings)
        async with projecting(settings):
            await until(lambda: _is_projected(connection))
        cursor = await connection.execute(
            'SELECT event_id, partition, "offset", agency FROM history ORDER BY recorded_at LIMIT 1'
        )
        [(event_id, partition, offset, agency)] = await cursor.fetchall()
    found = await document(auditor, f"/receipts/{event_id}")
    assert (found["event_id"], found["partition"], found["offset"]) == (event_id, partition, offset)
    proof = msgspec.convert(found["proof"], RecordProof)
    records = sealed.log[settings.events_topic, partition]
    [record] = [one for one in records if one.offset == offset]
    assert proof.entry == leaf_entry(record.key, record.encoded())
    assert proof.demand().head(settings.events_topic, partition).size > offset
    assert await document(auditor, f"/receipts/{event_id.upper()}") == found
    assert await document(auditor, f"/receipts/{event_id}?agency={agency}") == found
    others = await auditor.get(f"/receipts/{event_id}", params={"agency": "nobody"})
    assert others.status_code == 404
    early = await auditor.get(f"/receipts/{event_id}", params={"seal": 0})
    assert early.status_code == 404
    assert "seal 0 does not cover it" in early.json()["detail"]
    unknown = await auditor.get("/receipts/00000000-0000-4000-8000-000000000000")
    assert unknown.status_code == 404


async def _is_projected(connection: Connection) -> bool:
    cursor = await connection.execute("SELECT count(*) FROM subject WHERE subject LIKE 'case/%'")
    [(count,)] = await cursor.fetchall()
    return bool(count)


async def test_growth_and_records_of_a_subject_are_proved(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    size = len(sealed.seals)
    growth = await document(auditor, f"/proofs/consistency?from=1&to={size}")
    proof = msgspec.convert(growth, GrowthProof)
    proof.demand()
    assert proof.old_root == sealed.seals[0].checkpoint.root
    assert proof.new_root == sealed.seals[-1].checkpoint.root
    at = sealed.seals[-1].seal.index
    subject = await document(auditor, f"/proofs/subjects/case/RANDOM-1?seal={at}")
    key = msgspec.convert(subject, KeyProof)
    records = [r for some in sealed.log.values() for r in some if r.key == b"case/RANDOM-1"]
    assert key.demand() == sealed.seals[-1].seal
    assert key.count == len(records)
    absent = msgspec.convert(await document(auditor, "/proofs/subjects/case/NO"), KeyProof)
    absent.demand()
    assert (absent.count, absent.chain_head) == (0, None)


async def test_the_log_of_seals_is_rebuilt_from_its_tiles(auditor: httpx.AsyncClient) -> None:
    answer = await auditor.get("/log/seals/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.split("\n")
    size = int(lines[1])
    hashes = await hashes_of(auditor, "/log/seals", size)
    assert Checkpoint(f"{LEDGER}/seals", size, root(hashes)).text() == "\n".join(lines[:3]) + "\n"


async def test_a_tree_is_rebuilt_from_its_tiles(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    for head in sealed.seals[-1].seal.heads:
        prefix = f"/log/{head.topic}/{head.partition}"
        hashes = await hashes_of(auditor, prefix, head.size)
        leaves = leaves_of(head.place, sealed.log[head.place])[: head.size]
        assert hashes == [leaf for _, leaf in leaves]
        assert root(hashes) == head.root
        nodes = GrowingTree().extend(hashes)
        width = tile_width(1, 0, head.size)
        if width:
            tile = await auditor.get(f"{prefix}/{Tile(1, 0, width).path}")
            assert tile.content == b"".join(node.hash for node in nodes)


async def hashes_of(client: httpx.AsyncClient, prefix: str, size: int) -> list[bytes]:
    """Leaf hashes by the entries that are served, held against the tiles."""
    found: list[bytes] = []
    while len(found) < size:
        index = len(found) // TILE_WIDTH
        tile = Tile(0, index, tile_width(0, index, size))
        entries = unbundled((await client.get(f"{prefix}/{bundle_path(tile)}")).content)
        hashes = await client.get(f"{prefix}/{tile.path}")
        assert hashes.headers["content-type"] == "application/octet-stream"
        assert hashes.content == b"".join(map(leaf_hash, entries))
        found += map(leaf_hash, entries)
    return found


async def test_what_no_checkpoint_covers_is_not_served(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    topic = sealed.settings.events_topic
    for path in (
        *("/log/seals/tile/0/000", "/log/seals/tile/entries/999", "/log/seals/tile/5/000.p/1"),
        *(f"/log/{topic}/0/tile/0/001", f"/log/{topic}/99/tile/0/000.p/1", "/log/x/0/tile/0/000"),
    ):
        assert (await auditor.get(path)).status_code == 404, path
    assert (await auditor.get("/log/seals/tile/0/12")).status_code == 422


@pytest.mark.parametrize(
    "path", ["/log/seals/checkpoint", "/log/x/0/tile/0/000", "/proofs/subjects/case/X"]
)
async def test_who_is_no_auditor_sees_no_log_and_whether_a_subject_is_in_it(
    auditor: httpx.AsyncClient, path: str
) -> None:
    as_emitter = {"Authorization": "Bearer emitter"}
    assert (await auditor.get(path, headers=as_emitter)).status_code == 403
    assert (await auditor.get(path, headers={"Authorization": ""})).status_code == 401
    assert (await auditor.get("/checkpoints/latest", headers=as_emitter)).status_code == 200


async def test_a_known_witness_s_cosignature_is_kept_and_shown(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    one = sealed.seals[1]
    stranger = Cosigner("stranger.example", Ed25519PrivateKey.generate())
    lines = [stranger.cosign(one.checkpoint, 5), WITNESS.cosign(one.checkpoint, 7)]
    for _ in range(2):  # once more changes nothing
        taken = await cosign(auditor, one.note.signed_also(lines).to_bytes())
        assert (taken.status_code, taken.json()) == (200, {"taken": 1})
    shown = await document(auditor, f"/checkpoints/{one.seal.index}")
    note = parse_note(shown["note"].encode())
    [found] = verified(note, [WITNESS.key])
    assert (found.time_s, len(note.signatures)) == (7, 2)
    # A proof leads to it rather than to one that nobody saw.
    head = one.seal.heads[0]
    async with connected(sealed.settings, name="tests", autocommit=True) as connection:
        proof = await Proofs(connection, sealed.settings).record(head.topic, 0, 0, None)
        assert proof.demand() == one.seal
        assert (await latest_seal(connection)).seal.index > one.seal.index


@pytest.mark.parametrize("given", ["application/json", "application/x-www-form-urlencoded", ""])
async def test_cosignatures_come_as_text(auditor: httpx.AsyncClient, given: str) -> None:
    answer = await auditor.post("/log/cosignatures", content=b"x", headers={"Content-Type": given})
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("Content-Type: expected text/plain, found ")
    assert (await cosign(auditor, b"x")).status_code == 422


async def cosign(client: httpx.AsyncClient, note: bytes) -> httpx.Response:
    return await client.post(
        "/log/cosignatures", content=note, headers={"Content-Type": "text/plain"}
    )


async def test_a_cosignature_of_another_log_or_by_nobody_is_refused(
    auditor: httpx.AsyncClient, sealed: SealedLedger
) -> None:
    one = sealed.seals[1]
    forked = Checkpoint(one.checkpoint.origin, one.checkpoint.size, bytes(32))
    ahead = Checkpoint(one.checkpoint.origin, 10**9, bytes(32))
    forged = WITNESS.cosign(forked, 7)
    for checkpoint, lines, status, words in (
        (forked, [WITNESS.cosign(forked, 7)], 422, "expected the one of this log"),
        (ahead, [WITNESS.cosign(ahead, 7)], 404, "none yet"),
        (one.checkpoint, [forged], 422, "a valid one by a known witness"),
    ):
        note = one.note.signed_also(lines)
        answer = await cosign(
            auditor, msgspec.structs.replace(note, text=checkpoint.text()).to_bytes()
        )
        assert (answer.status_code, words in answer.text) == (status, True), answer.text


@pytest.mark.parametrize("given", ["x", "lbh+00000000+BAAA", "note"])
def test_a_wrong_witness_stops_the_start_and_names_the_variable(given: str) -> None:
    if given == "note":
        given = str(NoteSigner("a", Ed25519PrivateKey.generate()).key)
    with pytest.raises(SettingError, match="RUNUT_WITNESSES"):
        witness_keys(Settings(witnesses=given))
