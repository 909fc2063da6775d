"""What the collector looks at."""

from __future__ import annotations

import gc
import weakref

import pytest

from mileage.core.collector import only_new_objects, seldom


class Cycle:
    """An object that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def test_cycles_made_in_the_block_are_freed_in_it_and_older_ones_after_it() -> None:
    older = weakref.ref(Cycle())
    with only_new_objects():
        newer = weakref.ref(Cycle())
        gc.collect()
        assert newer() is None
        assert older() is not None
    gc.collect()
    assert older() is None


def test_an_error_leaves_nothing_set_aside() -> None:
    with pytest.raises(ValueError, match="no"), only_new_objects():
        raise ValueError("no")
    assert gc.get_freeze_count() == 0


def test_the_inner_of_two_blocks_leaves_the_end_to_the_outer_one() -> None:
    with only_new_objects():
        with only_new_objects():
            pass
        assert gc.get_freeze_count() > 0


def test_collections_are_seldom_in_the_block_and_as_before_after_it():
    before = gc.get_threshold()
    with seldom():
        assert gc.get_threshold()[0] > before[0]
        gc.disable()
    assert gc.get_threshold() == before
    gc.enable()


def test_who_switched_the_collector_off_is_left_alone():
    before = gc.get_threshold()
    gc.set_threshold(0)
    try:
        with seldom():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
