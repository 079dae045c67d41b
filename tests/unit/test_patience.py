"""A bound on waiting ends what waits too long, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from producers.intake.patience import Patience


async def test_what_waits_too_long_is_a_timeout_and_the_task_goes_on() -> None:
    with pytest.raises(TimeoutError), Patience(0):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_what_is_done_in_time_is_left_alone() -> None:
    with Patience(60):
        await asyncio.sleep(0)
    with pytest.raises(KeyError), Patience(60):
        raise KeyError


async def test_a_failure_when_time_is_up_is_that_failure() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError

    with pytest.raises(KeyError), Patience(0):
        await failing()
    await asyncio.sleep(0)


async def test_who_is_cancelled_by_others_stays_cancelled() -> None:
    async def waiting() -> None:
        with Patience(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_by_others_when_time_is_up_stays_cancelled() -> None:
    async def waiting() -> None:
        with Patience(0):
            try:
                await asyncio.Event().wait()
            finally:
                task.cancel()

    task = asyncio.create_task(waiting())
    with pytest.raises(asyncio.CancelledError):
        await task
