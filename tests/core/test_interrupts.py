"""The first wish to stop waits for a place that hears; the second one does not."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from mileage.core.interrupts import StopAsked, ask_to_stop, deferred, heard, interruptible


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_without_deferring_ctrl_c_is_what_it_always_was():
    with pytest.raises(KeyboardInterrupt), heard():
        ctrl_c()


def test_the_first_one_waits_for_a_place_that_hears():
    done = []
    with deferred() as wish:
        ctrl_c()
        done.append("the books are whole")
        assert wish.asked
        with pytest.raises(StopAsked), heard():
            done.append("not reached")
    assert done == ["the books are whole"]


def test_it_is_raised_at_once_where_somebody_hears():
    with deferred(), pytest.raises(StopAsked), heard():
        ctrl_c()


def test_it_is_raised_once():
    with deferred() as wish:
        ask_to_stop()
        with pytest.raises(StopAsked), heard():
            pass
        with heard():
            pass
        assert wish.asked


def test_the_second_one_leaves_wherever_it_is():
    with deferred():
        ctrl_c()
        with pytest.raises(KeyboardInterrupt) as raised:
            ctrl_c()
        assert raised.type is KeyboardInterrupt


def test_nothing_is_left_behind():
    before = signal.getsignal(signal.SIGINT)
    with deferred() as first:
        ask_to_stop()
    with deferred() as second, heard():
        assert not second.asked
    assert first.asked
    assert signal.getsignal(signal.SIGINT) is before


def test_a_caller_that_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred() as wish, heard():
            ctrl_c()
        assert not wish.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_neither_defers_nor_hears():
    seen = []

    def body():
        with deferred() as wish, heard():
            seen.append(wish.asked)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [False]


def test_long_work_of_a_library_is_interrupted():
    ended = threading.Event()
    began = threading.Event()

    def work():
        began.set()
        assert ended.wait(30)

    def press():
        began.wait(30)
        time.sleep(0.1)  # the caller waits by now
        ctrl_c()

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(work, ended.set)
    assert ended.is_set()


def test_what_work_raises_comes_out_of_it():
    def work():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        interruptible(work, lambda: None)
