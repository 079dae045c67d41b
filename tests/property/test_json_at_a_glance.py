"""However a JSON object is read, it is the same object, and a name that stands twice is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runut.errors import FieldError
from runut.json_form import json_object

NAMES = st.sampled_from(["a", "b", '":', "a b", "\u00e9", '\\"', " "])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(['x":', '"', "\\", " :"])
SPACE = st.sampled_from(["", "", " ", "\n", "\t "])


@st.composite
def texts(draw: st.DrawFn, depth: int = 2) -> str:
    """JSON objects in which names may stand twice, with spaces anywhere."""
    members = []
    for _ in range(draw(st.integers(0, 4))):
        name = json.dumps(draw(NAMES), ensure_ascii=draw(st.booleans()))
        if depth and draw(st.booleans()):
            value = draw(texts(depth - 1))
            value = f"[{value}, 1]" if draw(st.booleans()) else value
        else:
            value = json.dumps(draw(SCALARS))
        members.append(f"{draw(SPACE)}{name}{draw(SPACE)}:{draw(SPACE)}{value}")
    return "{" + ",".join(members) + draw(SPACE) + "}"


def strictly(text: str) -> dict[str, Any] | None:
    """What it says; None where a name stands twice in an object."""

    def demand(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise LookupError
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=demand)  # type: ignore[no-any-return]
    except LookupError:
        return None


@settings(max_examples=500, deadline=None)
@given(texts(), st.booleans())
@example('{"a":1,"a":2}', True)
@example('{"a" :1,"a":2}', True)
@example('{"a":{"b":1},"c":[{"b":1,"b":2}]}', False)
@example('{"a":"x\\":","b":1,"b":2}', True)
def test_every_object_is_read_as_it_stands_or_refused(text: str, as_bytes: bool) -> None:
    expected = strictly(text)
    given_text = text.encode() if as_bytes else text
    if expected is None:
        with pytest.raises(FieldError, match="a name given once"):
            json_object(given_text)
    else:
        assert json_object(given_text) == expected
