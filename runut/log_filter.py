"""Let what a library says over and over be said once in a while."""

from __future__ import annotations

import logging
from typing import Final

REPEAT_S: Final = 10.0
"""aiokafka says the same hundred times a second while no broker answers; we pass it on so often."""


class Seldom(logging.Filter):
    """Lets messages of one kind through once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message was not said for so long."""
        kind = (record.name, record.msg)
        if record.created - self._said.get(kind, 0.0) < REPEAT_S:
            return False
        self._said[kind] = record.created
        return True
