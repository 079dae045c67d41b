"""The ledger that these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.running import Running, processes_of
from tests.builders import DIRECTORY


@pytest.fixture(scope="package")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running platform that knows the scenarios' agencies and holds a key of each.

    It takes a part of a processor as long as it runs, so that it ends before other tests go on.
    """
    running = Running(tmp_path_factory.mktemp("acceptance") / "data")
    try:
        running.up()
        running.command("directory", "apply", str(DIRECTORY))
        running.command("keys", "new", "--all")
        yield running
    finally:
        code = running.stop()
    assert (code, processes_of(running.data)) == (0, []), running.output.read_text()
