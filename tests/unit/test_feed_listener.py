"""Listeners of the feed hear everything, or that they have to look again: never some of it."""

from __future__ import annotations

import asyncio

from dashboard.feed import WAITING, Listener, pass_on
from dashboard.stream_text import resync_text
from projections.hearing import Interest

ALL = Interest(None, None, None)


async def heard(listener: Listener) -> bytes:
    """What it hears until it is over."""
    listener.end()
    return b"".join([text async for text in listener.hear()])


async def test_a_listener_that_keeps_up_hears_everything_in_order() -> None:
    listener = Listener(ALL, {})
    texts = [b"%d" % n for n in range(WAITING)]
    for text in texts:
        pass_on([listener], text, {0: 1})
    assert await heard(listener) == b"".join(texts)


async def test_one_that_does_not_loses_what_waits_and_is_told_to_look_again() -> None:
    slow, quick = Listener(ALL, {}), Listener(ALL, {})
    hearing = quick.hear()
    for n in range(WAITING + 1):
        pass_on([slow, quick], b"%d" % n, {0: n})
        assert await anext(hearing) == b"%d" % n
    pass_on([slow], b"later", {0: 99})
    assert await heard(slow) == resync_text({0: WAITING}) + b"later"


async def test_hearing_ends_when_it_is_over_though_nothing_comes() -> None:
    listener = Listener(ALL, {})
    hearing = asyncio.ensure_future(anext(listener.hear(), None))
    await asyncio.sleep(0)
    assert not hearing.done()
    listener.end()
    assert await hearing is None
