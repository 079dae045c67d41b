"""Many cases cheaply: a few random histories, each copied to several subjects."""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from runut.json_form import json_bytes
from tests.histories import SUBJECT, Author

HISTORIES = 50
LENGTH = 40
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def case_lines(copies: int) -> list[bytes]:
    """2,000 events times `copies` in their JSON form, a line each, the cases interleaved."""
    cases = [
        [_copied(line, f"{SUBJECT}-{seed}-{copy}") for line in history]
        for seed in range(HISTORIES)
        for history in [[json_bytes(one.event).decode() for one in Author(seed).write(LENGTH)]]
        for copy in range(copies)
    ]
    return [line for at in zip(*cases, strict=True) for line in at]


def _copied(line: str, subject: str) -> bytes:
    """The same event of another case: with another id, which corrections name as well."""
    about = line.replace(f'"{SUBJECT}"', f'"{subject}"')
    fresh = UUID.sub(lambda found: str(uuid5(NAMESPACE_URL, f"{subject}/{found[0]}")), about)
    return fresh.encode() + b"\n"
