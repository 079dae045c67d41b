"""Java for tests, on machines without a JDK: the platform's runtime, and what `java.lock` pins."""

from __future__ import annotations

import asyncio
import os
import threading
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from embedded.artifacts import Artifact, cache_dir, missing, read_lock
from embedded.download import download
from embedded.java import java
from embedded.progress import Show

LOCK_FILE: Final = Path(__file__).with_name("java.lock")
HEAP_MB: Final = 256


class JavaLock(msgspec.Struct, frozen=True):
    """What `java.lock` pins."""

    compiler: tuple[Artifact, ...]
    tools: tuple[Artifact, ...]
    """Kafka's command line, for the class path of the embedded Kafka."""
    example: tuple[Artifact, ...]


class Java(NamedTuple):
    """Class paths of fetched programs."""

    compiler: str
    kafka: str
    """Kafka, and the tools that come with it."""
    example: str


def read_java_lock() -> JavaLock:
    return msgspec.convert(tomllib.loads(LOCK_FILE.read_text()), JavaLock)


def fetch_java() -> Java:
    """Class paths of what is pinned, fetched where the cache lacks it."""
    lock, cache, kafka = read_java_lock(), cache_dir(), read_lock().kafka
    wanted = [*lock.compiler, *lock.tools, *lock.example, *kafka]
    if missing(wanted, cache):
        download(cache, wanted, None, Show(quiet=True), threading.Event())
    return Java(
        *(
            os.pathsep.join(str(one.place(cache)) for one in artifacts)
            for artifacts in (lock.compiler, (*lock.tools, *kafka), lock.example)
        )
    )


async def run_java(scratch: Path, class_path: str, *arguments: str | Path) -> str:
    """What a program prints; it must end well.

    Raises:
        AssertionError: with all that it printed.
    """
    process = await asyncio.create_subprocess_exec(
        *(*java(HEAP_MB, scratch), "-cp", class_path, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=scratch,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def compile_java(scratch: Path, programs: Java, sources: Path) -> str:
    """Compile a folder of sources; gives the class path of all that they need to run."""
    classes = scratch / "classes"
    main = "org.eclipse.jdt.internal.compiler.batch.Main"
    options = ("-17", "-d", classes, "-cp", programs.example, sources)
    await run_java(scratch, programs.compiler, main, *options)
    return f"{classes}{os.pathsep}{programs.example}"
