"""One agency of the demonstration, as a process of its own: `python -m cli.demo_agency AGENCY`.

Reads events in their JSON form from standard input, one a line, emits each through the SDK with
the agency's key, and answers with its receipt, one JSON document a line.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from runut.keystore import KeyStore
from runut.producer import Producer
from runut.settings import load_settings


async def serve(data: Path) -> None:
    """Emit until standard input ends."""
    settings = load_settings(data)
    async with Producer(settings, keys=KeyStore(settings.keys)) as producer:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            receipt = await producer.emit_json(line.encode())
            print(msgspec.json.encode(receipt).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
