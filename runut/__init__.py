"""The library that agencies install and import."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runut.lanes import Receipt
    from runut.producer import Producer
    from runut.spool import Kept, Spool
    from runut.spooling import SpoolingProducer
    from runut.sync_producer import SyncProducer, SyncSpoolingProducer

__all__ = [
    "Kept",
    "Producer",
    "Receipt",
    "Spool",
    "SpoolingProducer",
    "SyncProducer",
    "SyncSpoolingProducer",
]

_MODULES = {
    "Kept": "spool",
    "Producer": "producer",
    "Receipt": "lanes",
    "Spool": "spool",
    "SpoolingProducer": "spooling",
    "SyncProducer": "sync_producer",
    "SyncSpoolingProducer": "sync_producer",
}


def __getattr__(name: str) -> Any:
    """Load the SDK when it is asked for: the contracts alone need no Kafka client."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"runut.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "aiokafka":
            raise
        needed = f"runut.{name} needs the Kafka client: pip install 'runut[sdk]'"
        raise ImportError(needed, name=error.name) from None
    return getattr(module, name)
