from collections.abc import Callable, Mapping
from typing import Any

def names_once(text: bytes, found: dict[str, Any]) -> bool: ...
def compiled(
    schema: dict[str, Any], defined: Mapping[str, Any]
) -> Callable[[Any], dict[str, Any] | None]: ...
