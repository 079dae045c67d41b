"""A key that was lost or leaked: revoked by whoever holds the root key, and replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runut import Producer
from runut.directory_writer import SYSTEM, DirectoryWriter
from runut.errors import BadInput, LedgerMismatch, MissingKey, NotFound
from runut.founding import key_payload
from runut.json_form import from_json
from runut.keystore import KeyStore
from runut.outgoing import Envelope, usable_key
from runut.registration import publish_keys
from runut.revocation import Revoked, revoke_key
from runut.settings import Settings
from tests.integration.logs import read_log
from tests.integration.test_look import runut
from tests.integration.test_producer import contact

AT = datetime(2025, 5, 8, 3, tzinfo=UTC)


async def revoke(settings: Settings, agency: str, key_id: str | None = None) -> Revoked:
    return await revoke_key(settings, agency, key_id, reason="leaked", revoked_at=AT)


async def emit(settings: Settings, number: int) -> None:
    async with Producer(settings) as producer:
        await producer.emit_json(contact(number))


async def emit_as_the_thief(settings: Settings, key_file: bytes, elsewhere: Path) -> None:
    """Send an event with a key that somebody else holds, without asking the directory."""
    store = KeyStore(elsewhere)
    store.path.mkdir(mode=0o700)
    (store.path / "stolen.json").touch(mode=0o600)
    (store.path / "stolen.json").write_bytes(key_file)
    async with Producer(settings) as producer:
        envelope = Envelope.of(producer.directories.latest)
        drafts = [envelope.draft(from_json(contact(99)))]
        (record,) = envelope.seal(drafts, store.get("kp2mi").signer())
        await (await producer.forward(record))


@pytest.mark.parametrize("private_key", ["is here", "is lost"])
async def test_a_leaked_key_is_revoked_and_replaced(
    ledger: Settings, tmp_path: Path, private_key: str
) -> None:
    keys = KeyStore(ledger.keys)
    old = keys.get("kp2mi").key_id
    file = ledger.keys / f"{old}.json"
    content = file.read_bytes()
    await emit(ledger, 1)
    if private_key == "is lost":
        file.unlink()
    about = ("--reason", "laptop stolen", "--since", "2025-05-08T10:00:00+07:00")
    revoked = await runut(ledger, "keys", "revoke", "kp2mi", *about, "--json")
    assert (revoked.code, revoked.err) == (0, "")
    assert revoked.document == {
        "agency": "kp2mi",
        "key_id": old,
        "revoked_at": "2025-05-08T03:00:00Z",
        "reason": "laptop stolen",
        "valid_keys": [],
    }
    with pytest.raises(MissingKey, match="make one: runut keys new kp2mi"):
        await emit(ledger, 2)
    await emit_as_the_thief(ledger, content, tmp_path / "elsewhere")
    made = await runut(ledger, "keys", "new", "kp2mi", "--json")
    (new,) = made.document
    assert new["key_id"] != old
    await emit(ledger, 3)
    log = await read_log(ledger)
    assert [(one.event.data["contact_id"], one.signature) for one in log.events] == [
        ("c-1", "VALID"),
        ("c-99", "KEY_REVOKED"),
        ("c-3", "VALID"),
    ]
    assert log.directory.rejected == {}
    listed = await runut(ledger, "keys", "list", "kp2mi", "--json")
    assert [(one["key_id"], one["revoked_at"], one["is_here"]) for one in listed.document] == [
        (old, "2025-05-08T03:00:00Z", private_key == "is here"),
        (new["key_id"], None, True),
    ]


async def test_of_several_valid_keys_one_has_to_be_named(ledger: Settings) -> None:
    keys = KeyStore(ledger.keys)
    first, second = keys.get("kp2mi").key_id, keys.new("kp2mi")
    async with DirectoryWriter(ledger, keys) as writer:
        payload = key_payload(second, "SELF", writer.written_at)
        await writer.publish([writer.compose("AgencyKeyPublished", "agency/kp2mi", payload)])
    with pytest.raises(BadInput) as refused:
        await revoke(ledger, "kp2mi")
    both = f"{first} or {second.key_id}"
    assert str(refused.value) == (
        f"key of agency kp2mi: expected one of its valid ones by its id, {both}, found none"
    )
    revoked = await revoke(ledger, "kp2mi", second.key_id)
    assert revoked.valid_keys == [first]
    await emit(ledger, 1)  # the other one takes over
    assert (await read_log(ledger)).events[-1].signature == "VALID"
    assert (await revoke(ledger, "kp2mi")).key_id == first
    with pytest.raises(BadInput, match=r"^key of agency kp2mi: expected a valid one, found none$"):
        await revoke(ledger, "kp2mi")


async def test_what_cannot_be_revoked_is_said_and_nothing_is_written(
    ledger: Settings, tmp_path: Path
) -> None:
    before = (await read_log(ledger)).directory.size
    with pytest.raises(NotFound, match=r"^agency nobody: expected a registered one$"):
        await revoke(ledger, "nobody")
    kp2mi, kemlu = (KeyStore(ledger.keys).get(one).key_id for one in ("kp2mi", "kemlu"))
    unknown = rf"^key {kemlu} of agency kp2mi: expected one of its keys: {kp2mi}$"
    with pytest.raises(NotFound, match=unknown):
        await revoke(ledger, "kp2mi", kemlu)
    elsewhere = ledger.model_copy(update={"data": tmp_path / "elsewhere"})
    with pytest.raises(LedgerMismatch, match="expected a root key of the ledger runut, found none"):
        await revoke(elsewhere, "kp2mi")
    (ledger.keys / f"{KeyStore(ledger.keys).get(SYSTEM).key_id}.json").unlink()
    with pytest.raises(MissingKey, match="make one: runut keys new runut"):
        await revoke(ledger, "kp2mi")
    assert (await read_log(ledger)).directory.size == before


async def test_a_key_is_revoked_once_and_a_revocation_that_was_cut_short_is_completed(
    ledger: Settings,
) -> None:
    keys = KeyStore(ledger.keys)
    key_id = keys.get("kp2mi").key_id
    data = {"agency": "kp2mi", "key_id": key_id, "revoked_at": AT, "reason": "leaked"}
    async with DirectoryWriter(ledger, keys) as writer:
        await writer.append([writer.compose("AgencyKeyRevoked", "agency/kp2mi", data)])
    cut_short = await read_log(ledger)
    assert set(cut_short.announced.values()) == {cut_short.directory.size - 2}
    with pytest.raises(BadInput) as refused:
        await revoke(ledger, "kp2mi", key_id)
    assert str(refused.value) == (
        f"key {key_id} of agency kp2mi: expected a valid one, "
        "found one revoked at 2025-05-08T03:00:00Z"
    )
    log = await read_log(ledger)
    assert log.directory.size == cut_short.directory.size
    assert set(log.announced.values()) == {log.directory.size - 1}


async def test_the_ledgers_own_key_hands_over_to_a_new_one(ledger: Settings) -> None:
    keys = KeyStore(ledger.keys)
    old = keys.get(SYSTEM).key_id
    revoked = await revoke(ledger, SYSTEM)
    assert (revoked.key_id, revoked.valid_keys) == (old, [keys.get(SYSTEM).key_id])
    await publish_keys(ledger, [SYSTEM])
    await emit(ledger, 1)
    log = await read_log(ledger)
    assert log.rejected == []
    assert set(log.announced.values()) == {log.directory.size - 1}
    own = usable_key(keys, log.directory.latest, SYSTEM)
    assert own is not None
    assert [own.key_id] == revoked.valid_keys
    assert log.events[-1].signature == "VALID"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--reason", " "), "expected words; found none"),
        (("--reason", "lost", "--since", "yesterday"), "expected an RFC 3339 time with an offset"),
        ((), "Missing option '--reason'"),
    ],
)
async def test_wrong_wishes_end_with_2_before_anything_is_asked(
    settings: Settings, words: tuple[str, ...], sentence: str
) -> None:
    ended = await runut(settings, "keys", "revoke", "kp2mi", *words)
    assert ended.code == 2
    assert sentence in " ".join(ended.err.replace("│", " ").split())


async def test_a_moment_to_come_is_refused(settings: Settings) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ended = await runut(settings, "keys", "revoke", "kp2mi", "--reason", "x", "--since", tomorrow)
    assert ended.code == 2
    assert "expected a moment that has come" in ended.err
