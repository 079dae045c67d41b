"""Something asynchronous, used by programs that know nothing of event loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Self

import pytest

from runut.errors import NotOpen, Unreachable
from runut.sync_producer import InThread, blocking
from tests.builders import ROOT

CALLER: ContextVar[str] = ContextVar("CALLER", default="nobody")


class Echo:
    """Answers after a turn of the loop, and notes how it was left."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.left_by: type[BaseException] | str | None = "not left"
        self._refuses = refuses

    async def __aenter__(self) -> Self:
        if self._refuses:
            raise self._refuses
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.left_by = kind

    async def answer(self, given: str) -> str:
        """Say who asks what."""
        await asyncio.sleep(0)
        if given == "":
            raise ValueError("nothing asked")
        return f"{CALLER.get()}: {given}"


class SyncEcho(InThread[Echo]):
    answer = blocking(Echo.answer)


def test_a_call_waits_for_its_result_or_its_error() -> None:
    with SyncEcho(Echo) as echo:
        assert echo.answer("what") == "nobody: what"
        with pytest.raises(ValueError, match="nothing asked"):
            echo.answer("")
        assert echo.answer(given="more") == "nobody: more"


def test_many_threads_get_each_its_own_answer_in_its_own_context() -> None:
    def ask(number: int) -> str:
        CALLER.set(f"thread {number}")
        return echo.answer(str(number))

    with SyncEcho(Echo) as echo, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(200)))
    assert found == [f"thread {number}: {number}" for number in range(200)]


def test_what_cannot_be_opened_says_why_and_leaves_no_thread() -> None:
    echo = SyncEcho(lambda: Echo(Unreachable("Kafka", "nowhere", "start it")))
    with pytest.raises(Unreachable, match="Kafka does not answer"):
        echo.open()
    with pytest.raises(NotOpen, match="it is not open"):
        echo.answer("what")
    assert "SyncEcho" not in {one.name for one in threading.enumerate()}


@pytest.mark.parametrize(
    ("raised", "left_by"),
    [(ValueError, None), (SystemExit, None), (KeyboardInterrupt, asyncio.CancelledError)],
)
def test_only_who_is_interrupted_does_not_wait_for_what_is_under_way(
    raised: type[BaseException], left_by: type[BaseException] | None
) -> None:
    inner = Echo()
    with pytest.raises(raised), SyncEcho(lambda: inner):
        raise raised
    assert inner.left_by is left_by


def test_what_is_closed_can_be_closed_again_and_asked_no_more() -> None:
    inner = Echo()
    echo = SyncEcho(lambda: inner).open()
    echo.close()
    echo.close()
    assert inner.left_by is None
    with pytest.raises(NotOpen, match="SyncEcho: it is not open"):
        echo.answer("what")
    with pytest.raises(RuntimeError, match="it can be opened once"):
        echo.open()


def test_a_callback_in_its_own_thread_is_told_that_it_cannot_wait() -> None:
    found: list[BaseException] = []

    class Calling(Echo):
        async def answer(self, given: str) -> str:
            try:
                echo.answer(given)
            except RuntimeError as error:
                found.append(error)
            return given

    class SyncCalling(InThread[Calling]):
        answer = blocking(Calling.answer)

    with SyncCalling(Calling) as echo:
        echo.answer("what")
    assert "its own callbacks cannot wait for it" in str(found[0])


def run(program: str) -> str:
    """What a program prints that begins with this module's names."""
    head = "import asyncio, os\nfrom tests.unit.test_sync_producer import Echo, SyncEcho\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", head + textwrap.dedent(program)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_the_end_of_the_interpreter_closes_what_is_open() -> None:
    found = run(
        """
        class Leaving(Echo):
            async def __aexit__(self, *_):
                print("left in", await asyncio.to_thread(lambda: "a thread"))
        SyncEcho(Leaving).open()
        print("end of the program")
        """
    )
    assert found == "end of the program\nleft in a thread\n"


def test_a_child_process_is_refused_and_leaves_the_parents_alone() -> None:
    found = run(
        """
        class Leaving(Echo):
            async def __aexit__(self, *_):
                print("left", flush=True)
        with SyncEcho(Leaving) as echo:
            child = os.fork()
            if child == 0:
                try:
                    echo.answer("what")
                except RuntimeError as error:
                    print(error, flush=True)
                echo.close()
                os._exit(0)
            os.waitpid(child, 0)
            print(echo.answer("what"), flush=True)
        """
    )
    refused = "SyncEcho: opened before a fork; open one in this process"
    assert found == f"{refused}\nnobody: what\nleft\n"
