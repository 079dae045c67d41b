"""Emit from programs that have no event loop: every call waits for its result.

Owns a thread with one event loop in it for as long as it is open, and nothing of what emitting
means: that is `runut.emitting`'s and `runut.producer`'s, to whom each call is handed over.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - registers its end before ours, so comes after it
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, Self, TypeVar, Unpack
from weakref import ref

from runut.errors import NotOpen
from runut.event import Event
from runut.keystore import KeyStore
from runut.lanes import Receipt
from runut.producer import Options, Producer
from runut.settings import Settings
from runut.spooling import SpoolingOptions, SpoolingProducer

P = ParamSpec("P")
T = TypeVar("T")
Opened = TypeVar("Opened", bound=AbstractAsyncContextManager[Any])

# Before threads are joined and executors end: what closes may need both. `atexit` comes after.
_at_exit: Callable[[Callable[[], None]], object] = getattr(
    threading, "_register_atexit", atexit.register
)


class _Life(NamedTuple):
    """What runs in the thread."""

    loop: asyncio.AbstractEventLoop
    leave: asyncio.Future[None]
    """Its result ends it, its cancellation does so without waiting for what is under way."""


class InThread(Generic[Opened]):
    """Something asynchronous, open in an event loop of a thread of its own.

    Any number of threads may use it. What is still open when the interpreter ends is closed then.
    Neither the thread nor its connections survive a fork: in a child process every call is refused,
    so a server that forks its workers opens one in each of them, afterwards.
    """

    def __init__(self, make: Callable[[], Opened]) -> None:
        """Take what makes it; that is done in the thread."""
        self._make = make
        self._life: Future[_Life] = Future()
        self._ended: Future[None] = Future()
        self._process = 0

    def open(self) -> Self:
        """Start the thread, and wait until it is open there. Raises as its `async with`."""
        if self._process:
            raise RuntimeError(f"{type(self).__name__}: it can be opened once")
        self._process = os.getpid()
        # The interpreter waits for threads before it calls what closes this one, but for daemons.
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        self._life.result()
        _at_exit(partial(_close_if_there, ref(self)))
        return self

    def close(self) -> None:
        """Close it as the end of its `async with` does, and end the thread."""
        self._close(_finish)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._close(asyncio.Future.cancel)  # whoever wants to go does not wait
        else:
            self.close()

    def _close(self, end: Callable[[asyncio.Future[None]], object]) -> None:
        if self._process != os.getpid() or self._ended.done():
            return
        life = self._life.result()
        life.loop.call_soon_threadsafe(end, life.leave)
        self._ended.result()

    def _wait(self, work: Callable[[Opened], Coroutine[Any, Any, T]]) -> T:
        """Have something done in the thread, in the caller's context; gives its result."""
        name = type(self).__name__
        if not self._process or self._ended.done():
            raise NotOpen(name)
        if self._process != os.getpid():
            raise RuntimeError(f"{name}: opened before a fork; open one in this process")
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"{name}: its own callbacks cannot wait for it")
        return asyncio.run_coroutine_threadsafe(
            work(self._opened), self._life.result().loop
        ).result()

    def _run(self) -> None:
        failed: BaseException | None = None
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            failed = error
        if failed is None:
            self._ended.set_result(None)
        elif self._life.done():
            self._ended.set_exception(failed)
        else:
            self._ended.set_result(None)
            self._life.set_exception(failed)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._make() as self._opened:
            life = _Life(loop, loop.create_future())
            self._life.set_result(life)
            await life.leave


def _finish(leave: asyncio.Future[None]) -> None:
    if not leave.done():
        leave.set_result(None)


def _close_if_there(opened: ref[InThread[Any]]) -> None:
    if (found := opened()) is not None:
        found.close()


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[InThread[Any], P], T]:
    """The method of what is open in a thread, for those who wait."""

    @wraps(method)
    def wait(self: InThread[Any], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wait(lambda opened: method(opened, *args, **kwargs))

    return wait


class SyncProducer(InThread[Producer]):
    """`Producer` for programs without an event loop: `emit` waits for the receipt."""

    def __init__(
        self, settings: Settings, keys: KeyStore | None = None, **options: Unpack[Options]
    ) -> None:
        """Take what `Producer` takes."""
        super().__init__(lambda: Producer(settings, keys, **options))

    emit = blocking(Producer.emit)
    emit_json = blocking(Producer.emit_json)
    emit_event = blocking(Producer.emit_event)
    flush = blocking(Producer.flush)

    def send(self, event: Event, *, recorded_at: datetime | None = None) -> Future[Receipt]:
        """Wait until an event is accepted; the future has its receipt. Raises as `Producer.send`.

        The future cannot be cancelled: the event is on its way.
        """
        return self._wait(lambda producer: _send(producer, event, recorded_at))


class SyncSpoolingProducer(InThread[SpoolingProducer]):
    """`SpoolingProducer` for programs without an event loop: `emit` waits for the disk."""

    def __init__(
        self,
        settings: Settings,
        spool: Path | str,
        keys: KeyStore | None = None,
        **options: Unpack[SpoolingOptions],
    ) -> None:
        """Take what `SpoolingProducer` takes."""
        super().__init__(lambda: SpoolingProducer(settings, spool, keys, **options))

    emit = blocking(SpoolingProducer.emit)
    emit_json = blocking(SpoolingProducer.emit_json)
    emit_event = blocking(SpoolingProducer.emit_event)


async def _send(producer: Producer, event: Event, recorded_at: datetime | None) -> Future[Receipt]:
    sent = await producer.send(event, recorded_at=recorded_at)
    receipt: Future[Receipt] = Future()
    receipt.set_running_or_notify_cancel()
    sent.add_done_callback(partial(_pass_on, receipt))
    return receipt


def _pass_on(receipt: Future[Receipt], sent: asyncio.Future[Receipt]) -> None:
    if sent.cancelled():
        receipt.set_exception(CancelledError("given up when the producer was closed"))
    elif (error := sent.exception()) is not None:
        receipt.set_exception(error)
    else:
        receipt.set_result(sent.result())
