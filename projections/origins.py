"""Name in a document what it was made from, so that a replay comes to the same.

Pure. Documents that are objects have a member `origin`, `{positions, checkpoint, model}`; a list
has no place for one, and over HTTP its headers say the same.
"""

from __future__ import annotations

from typing import Any

from projections.portraits import Document
from projections.versions import Origin


def with_origin(document: Any, origin: Origin) -> Any:
    """The document with its origin; a list as it is."""
    if not isinstance(document, dict):
        return document
    return {**document, "origin": origin_document(origin)}


def origin_document(origin: Origin) -> Document:
    """`runut replay --positions` takes these positions."""
    return {
        "positions": {str(one): at for one, at in sorted(origin.positions.items())},
        "checkpoint": origin.checkpoint,
        "model": origin.model_version,
    }
