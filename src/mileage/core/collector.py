"""The garbage collector, kept from walking what is long there.

A process that has imported its libraries holds half a million objects. A full collection walks them all, a tenth of a
second each time, and frees nothing of them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
