from __future__ import annotations

import gc

import pytest

from cli.loading import uncollected


def is_collecting() -> bool:
    return gc.isenabled()


def test_nothing_is_collected_while_a_command_is_loaded_and_all_is_afterwards() -> None:
    with uncollected():
        assert not is_collecting()
    assert is_collecting()


def test_what_was_loaded_is_looked_through_no_more() -> None:
    with uncollected():
        loaded = [[number] for number in range(1000)]
    try:
        assert not any(found is loaded for found in gc.get_objects())
        assert gc.get_freeze_count() >= len(loaded)
    finally:
        gc.unfreeze()


def test_a_command_that_cannot_be_loaded_leaves_the_collector_on() -> None:
    with pytest.raises(ModuleNotFoundError), uncollected():
        raise ModuleNotFoundError
    assert is_collecting()
