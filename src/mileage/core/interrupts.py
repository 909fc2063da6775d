"""Ctrl-C as a wish to stop: heard where a program waits, so that what it is writing down is whole.

Python raises ``KeyboardInterrupt`` between any two instructions, also in the middle of the engine's books or between a
score and its record. Inside :func:`deferred` the first wish to stop is raised only in a :func:`heard` block, where
nothing is half done; the second one leaves at once, wherever the program is.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Wish:
    """Whether somebody asked to stop what runs, and whether it has been raised; ``depth`` counts :func:`deferred`."""

    asked: bool = False
    raised: bool = False
    hearing: bool = False
    depth: int = 0


class StopAsked(KeyboardInterrupt):
    """The first wish to stop, raised where it is heard: the place to end in good order. A second one is no such."""


_wish = Wish()


def ask_to_stop(*_: object) -> None:
    """Handle a signal that asks to stop: now where somebody hears, or at the next such place.

    Raises
    ------
    StopAsked
        In a :func:`heard` block, the first time.
    KeyboardInterrupt
        If nothing is deferred, or it was asked before.
    """
    again, _wish.asked = _wish.asked, True
    if again or not _wish.depth:
        raise KeyboardInterrupt
    if _wish.hearing:
        _wish.raised = True
        raise StopAsked


@contextmanager
def deferred() -> Iterator[Wish]:
    """Let the first Ctrl-C wait for a :func:`heard` block; yields whether it was asked for.

    In another thread than the main one, and where the caller ignores Ctrl-C, nothing changes.

    Examples
    --------
    >>> with deferred() as wish:
    ...     wish.asked
    False
    """
    global _wish  # noqa: PLW0603  (signals are the process's, and so is the wish)
    if threading.current_thread() is not threading.main_thread():
        yield Wish()
        return
    outer = _wish
    before = signal.getsignal(signal.SIGINT)
    _wish = Wish(depth=outer.depth + 1)
    try:
        if callable(before):
            signal.signal(signal.SIGINT, ask_to_stop)
        yield _wish
    finally:
        _wish = outer
        if callable(before):
            signal.signal(signal.SIGINT, before)


@contextmanager
def heard() -> Iterator[None]:
    """Hear a wish to stop that came since, or comes in this block; nothing must be half done here.

    Raises
    ------
    StopAsked
        Once for each :func:`deferred`.
    """
    if not _wish.depth or threading.current_thread() is not threading.main_thread():
        yield
        return
    _wish.hearing = True
    try:
        if _wish.asked and not _wish.raised:
            _wish.raised = True
            raise StopAsked
        yield
    finally:
        _wish.hearing = False


def interruptible(work: Callable[[], T], interrupt: Callable[[], object]) -> T:
    """Return ``work()``, done in a thread beside: a library that computes for long would not hear Ctrl-C.

    Parameters
    ----------
    work : callable
        What may take long.
    interrupt : callable
        Makes ``work`` end early; called when Ctrl-C comes.

    Examples
    --------
    >>> interruptible(lambda: 2, lambda: None)
    2
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    done: Future[T] = Future()

    def body() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  (raised where the result is asked for)
            done.set_exception(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        return done.result()
    except KeyboardInterrupt:
        interrupt()
        thread.join(1.0)
        raise
