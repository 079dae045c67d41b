from collections.abc import Callable
from typing import Any

class AtAGlance:
    def __init__(
        self, schema: dict[str, Any], otherwise: Callable[[bytes], dict[str, Any]]
    ) -> None: ...
    def read(self, body: bytes) -> dict[str, Any]: ...
