"""A producer that lives long follows the directory: it stops using a key that was revoked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from runut import Producer
from runut.directory_writer import DirectoryWriter
from runut.errors import MissingKey
from runut.keystore import KeyStore
from runut.registration import publish_keys
from runut.settings import Settings
from runut.signing import read_headers
from tests.integration.logs import Log, read_log
from tests.integration.test_producer import contact

OFTEN_S = 0.05
DEADLINE_S = 60.0


async def revoke(settings: Settings, agency: str) -> str:
    """Revoke the agency's newest key; gives its id."""
    keys = KeyStore(settings.keys)
    key_id = keys.get(agency).key_id
    data = {"agency": agency, "key_id": key_id, "revoked_at": datetime.now(UTC), "reason": "-"}
    async with DirectoryWriter(settings, keys) as writer:
        await writer.publish([writer.compose("AgencyKeyRevoked", f"agency/{agency}", data)])
    return key_id


def signers(log: Log, subject: str) -> list[str | None]:
    """The keys that signed a subject's events, in order."""
    found = [read_headers(one.headers) for one in log.records if one.key == subject.encode()]
    return [signed.key_id if signed else None for signed in found]


async def test_a_revoked_key_signs_no_more_and_a_new_one_is_found(ledger: Settings) -> None:
    async with Producer(ledger, directory_every_s=OFTEN_S) as producer:
        await producer.emit_json(contact(1))
        revoked = await revoke(ledger, "kp2mi")
        async with asyncio.timeout(DEADLINE_S):
            while await is_sent(producer):
                pass
        await producer.emit_json(contact(3, agency="kemlu"))
        await publish_keys(ledger, ["kp2mi"])
        await producer.emit_json(contact(4))
    log = await read_log(ledger)
    *before, kemlu, new = signers(log, "case/A")
    assert set(before) == {revoked}
    assert new not in {revoked, kemlu}
    assert [one.signature for one in log.events[-2:]] == ["VALID", "VALID"]


async def is_sent(producer: Producer) -> bool:
    try:
        await producer.emit_json(contact(2))
    except MissingKey:
        return False
    return True


async def test_where_another_key_is_there_it_takes_over_from_one_that_is_revoked(
    ledger: Settings,
) -> None:
    async with Producer(ledger, directory_every_s=OFTEN_S) as producer:
        await producer.emit_json(contact(1))
        revoked = await revoke(ledger, "kp2mi")
        await publish_keys(ledger, ["kp2mi"])
        async with asyncio.timeout(DEADLINE_S):
            while signers(await read_log(ledger), "case/A")[-1] == revoked:
                await producer.emit_json(contact(2))
    assert (await read_log(ledger)).events[-1].signature == "VALID"
