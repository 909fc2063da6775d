"""The garbage collector, kept from walking what is long there.

A process that has imported its libraries holds half a million objects. A full collection walks them all, a tenth of a
second each time, and frees nothing of them: while they are imported, and in a run.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 50_000  # new objects between two collections; Python's own 700 are there within one line of imports


@contextmanager
def seldom() -> Iterator[None]:
    """Let the collector look after many new objects only, in a block that imports libraries.

    Examples
    --------
    >>> before = gc.get_threshold()
    >>> with seldom():
    ...     gc.get_threshold()[0] >= 50_000
    True
    >>> gc.get_threshold() == before
    True
    """
    before = gc.get_threshold()
    if before[0]:  # 0: it is switched off
        gc.set_threshold(max(before[0], _MANY), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Let the collector look at what is made in the block alone; what was there before is looked at after it.

    Cycles made in the block are found as ever. A process that has set objects aside itself is left as it is.

    Examples
    --------
    >>> with only_new_objects():
    ...     gc.get_freeze_count() > 0
    True
    >>> gc.get_freeze_count()
    0
    """
    ours = gc.get_freeze_count() == 0
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()
