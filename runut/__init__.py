"""The library that agencies install and import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runut.lanes import Receipt
    from runut.producer import Producer

__all__ = ["Producer", "Receipt"]


def __getattr__(name: str) -> Any:
    """Load the SDK when it is asked for: the contracts alone need no Kafka client."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runut import lanes, producer

    return {"Producer": producer.Producer, "Receipt": lanes.Receipt}[name]
