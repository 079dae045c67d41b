"""Batches over HTTP, into a real ledger and through the real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from cli.web_intake import PostgresReadModels
from producers.intake import door
from producers.intake.door import Door
from producers.intake.gateway import Gateway
from runut.adapters.postgres import Pool
from runut.event_ids import new_event_id
from runut.examples import examples
from runut.keystore import KeyStore
from runut.receipts import check, receipt_of
from runut.settings import Settings
from tests.intake_calls import AS_KP2MI, BATCH, NDJSON, calling, make_app, opened, results, served
from tests.integration.logs import read_log
from tests.ledgers import found, introduce_agencies

REPORT = {**examples()["CaseReported"], "agency": "kp2mi"}
VERIFIED = {**examples()["CaseVerified"], "agency": "kp2mi"}


def report(number: str, **changed: Any) -> dict[str, Any]:
    """A CaseReported by kp2mi, which opens a case."""
    return {**REPORT, "subject": f"case/{number}", **changed}


def verified(number: str, **changed: Any) -> dict[str, Any]:
    """The CaseVerified that may follow."""
    return {**VERIFIED, "subject": f"case/{number}", **changed}


@pytest.fixture(scope="module")
async def gateway(projected: Settings) -> AsyncIterator[Gateway]:
    async with opened(projected) as gateway:
        yield gateway


@pytest.fixture
async def kp2mi(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app(gateway)) as client:
        yield client


async def test_every_line_of_a_batch_has_its_result_in_order(
    kp2mi: httpx.AsyncClient, projected: Settings
) -> None:
    lines = [
        orjson.dumps(report("J-1")),
        b"",
        b"{",
        orjson.dumps(verified("J-1")),
        orjson.dumps(verified("J-2")),  # irregular, and recorded all the same
        b'{"type": "CaseReported"}',
        orjson.dumps(report("J-3", agency="kemlu")),
        orjson.dumps(report("J-4", type="CaseReportd")),
        b" " * 300_000,
        orjson.dumps({**report("J-5"), "x": "y" * 300_000}),
        orjson.dumps(report("J-6")),
    ]
    answer = await kp2mi.post("/events/batch", content=b"\r\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    came = results(answer)
    assert [(one["line"], one["status"]) for one in came] == [
        (1, 201),
        (3, 422),
        (4, 201),
        (5, 201),
        (6, 422),
        (7, 403),
        (8, 422),
        (10, 413),
        (11, 201),
    ]
    key = KeyStore(projected.keys).get("runut")
    for one in came:
        if one["status"] == 201:
            check(receipt_of(orjson.dumps(one["receipt"])), key.public_key)
        else:
            assert one["problem"]["status"] == one["status"]
    assert len((await read_log(projected)).on_subject("case/J-1")) == 2
    again = await kp2mi.post("/events/batch", content=b"\r\n".join(lines), headers=NDJSON)
    statuses = [one["status"] for one in results(again)]
    assert statuses == [200, 422, 200, 200, 422, 403, 422, 413, 200]
    assert len((await read_log(projected)).on_subject("case/J-1")) == 2


async def test_a_batch_without_lines_has_no_results(kp2mi: httpx.AsyncClient) -> None:
    answer = await kp2mi.post("/events/batch", content=b"\n \n", headers=NDJSON)
    assert (answer.status_code, answer.content) == (200, b"")


def contacts(count: int) -> list[bytes]:
    """So many events about a hundred cases."""
    example = examples()["ContactLogged"]
    return [
        orjson.dumps(
            {
                **example,
                "agency": "kp2mi",
                "event_id": new_event_id(),
                "subject": f"case/MANY-{n % 100}",
                "data": {**example["data"], "contact_id": f"K{n}"},
            }
        )
        for n in range(count)
    ]


def head(length: int, *more: str) -> bytes:
    """Of a batch of so many bytes."""
    lines = [f"POST {BATCH} HTTP/1.1", "Host: intake", "Content-Type: application/x-ndjson"]
    lines += [f"Authorization: {AS_KP2MI['Authorization']}", f"Content-Length: {length}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def unchunked(answer: bytes) -> list[dict[str, Any]]:
    """The results in a whole answer (RFC 9112 §7.1)."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    body = bytearray()
    while size := int(rest[: rest.index(b"\r\n")], 16):
        start = rest.index(b"\r\n") + 2
        body += rest[start : start + size]
        rest = rest[start + size + 2 :]
    return [json.loads(line) for line in body.splitlines()]


async def test_ten_thousand_lines_are_taken_from_who_reads_nothing_before_all_are_sent(
    gateway: Gateway,
) -> None:
    """As most clients do: were the results to wait for the reader, neither would get on."""
    body = b"\n".join(contacts(10_000))
    async with served(make_app(gateway)) as port:
        # A small buffer, as over a slow line; what the kernel holds must not decide this.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(head(len(body), "Connection: close") + body)
        async with asyncio.timeout(120):
            while writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.02)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            answer = await reader.read()
        writer.close()
    assert [(one["line"], one["status"]) for one in unchunked(answer)] == [
        (n + 1, 201) for n in range(10_000)
    ]


async def test_results_come_while_lines_are_still_being_sent(gateway: Gateway) -> None:
    first, second = contacts(2)
    async with served(make_app(gateway)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lengths = len(first) + len(second) + 2
        writer.write(head(lengths, "Connection: close") + first + b"\n")
        async with asyncio.timeout(60):
            begun = await reader.readuntil(b'"status":201')
            assert b'"line":1,' in begun
            writer.write(second + b"\n")
            assert b'"line":2,"status":201' in await reader.read()
        writer.close()


async def test_who_goes_away_in_the_middle_leaves_what_was_sent_in_the_log(
    gateway: Gateway, projected: Settings
) -> None:
    line = orjson.dumps(report("GONE-1"))
    async with served(make_app(gateway)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(10_000_000) + line + b"\n" + line[:20])
        async with asyncio.timeout(60):
            await reader.readuntil(b'"status":201')
        writer.close()
        async with httpx.AsyncClient(headers=AS_KP2MI | NDJSON, trust_env=False) as client:
            url = f"http://127.0.0.1:{port}{BATCH}"
            again = await client.post(url, content=line + b"\n" + orjson.dumps(report("GONE-2")))
    assert [one["status"] for one in results(again)] == [200, 201]
    assert len((await read_log(projected)).on_subject("case/GONE-1")) == 1


async def test_a_gateway_opens_when_its_ledger_is_founded(
    settings: Settings, schema_ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LONGEST_PAUSE_S", 0.2)
    async with (
        Pool(settings, name="tests", size=2) as pool,
        Door(settings, PostgresReadModels(pool.lent)) as opening,
        calling(make_app(opening.gateway)) as client,
    ):
        for path, headers in (("/events", {}), ("/events/batch", NDJSON)):
            answer = await client.post(path, json=report("EARLY-1"), headers=headers)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:runut:problem:not-ready"
            assert int(answer.headers["retry-after"]) > 0
        await found(settings, schema_ids)
        await introduce_agencies(settings)
        line = orjson.dumps(report("LATE-1"))
        async with asyncio.timeout(60):
            while (await client.post("/events", json=report("LATE-1"))).status_code == 503:
                if opening._gateway is not None:
                    break  # only the read models are not there: batches do not need them
                await asyncio.sleep(0.05)
        answer = await client.post("/events/batch", content=line, headers=NDJSON)
        assert [one["status"] for one in results(answer)] == [201]
