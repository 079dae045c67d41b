"""The web process takes as many connections as it has room for listeners."""

from __future__ import annotations

import resource

from cli.web_server import OPEN_FILES, allow_open_files
from dashboard.feed import LISTENERS


def test_a_usual_limit_is_raised_as_far_as_the_machine_lets_us() -> None:
    assert OPEN_FILES > 2 * LISTENERS
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1]
    expected = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, expected), hard))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (expected, hard)
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (expected, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
