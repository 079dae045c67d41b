"""What anybody would write first: a FastAPI app that hands bytes to Kafka, and nothing else.

No identity, no checks, no encoding, no signature, no receipt: each request, or line, sends the next
of the records that it was given, as large as ours. Started by `bench.http` with uvicorn.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request, Response

from runut.encoded import EncodedRecord

TOPIC = os.environ["BENCH_TOPIC"]
RECORDS = msgspec.json.decode(
    Path(os.environ["BENCH_RECORDS"]).read_bytes(), type=list[EncodedRecord]
)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.records = cycle(RECORDS)
    app.state.producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["BENCH_KAFKA"], acks="all", enable_idempotence=True
    )
    async with app.state.producer:
        yield


app = FastAPI(lifespan=_lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/api/v1/events", status_code=201)
async def post_event(request: Request) -> dict[str, Any]:
    await request.body()
    record: EncodedRecord = next(app.state.records)
    headers = list(record.headers.items())
    stored = await app.state.producer.send_and_wait(
        TOPIC, record.value, key=record.key, headers=headers
    )
    return {"partition": stored.partition, "offset": stored.offset}


@app.post("/api/v1/events/batch")
async def post_batch(request: Request) -> Response:
    lines = (await request.body()).splitlines()
    sent = []
    for _ in lines:
        record: EncodedRecord = next(app.state.records)
        headers = list(record.headers.items())
        sent.append(
            await app.state.producer.send(TOPIC, record.value, key=record.key, headers=headers)
        )
    stored = await asyncio.gather(*sent)
    results = (b'{"offset":%d}' % one.offset for one in stored)
    return Response(b"\n".join(results) + b"\n", media_type="application/x-ndjson")
