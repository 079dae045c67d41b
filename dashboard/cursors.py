"""Where the next page of a list begins, as a text that means nothing to anybody else.

Pure. It holds the key of the last item, so that a page is the same whatever came before it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

import msgspec

from runut.errors import BadInput, FieldError

K = TypeVar("K")


def encode_cursor(key: Any) -> str:
    """The cursor behind an item with this key."""
    return urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode_cursor(text: str, key: type[K]) -> K:
    """The key in a cursor.

    Raises:
        FieldError: it is no cursor of such a list.
    """
    expected = 'the one in the Link header, rel="next", of the page before'
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.json.decode(raw, type=key)
    except (ValueError, BadInput):  # of base64 or JSON, or no such key
        raise FieldError("query.cursor", expected, text) from None
    if b"\\u0000" in raw:  # in no text of PostgreSQL
        raise FieldError("query.cursor", expected, text)
    return found
