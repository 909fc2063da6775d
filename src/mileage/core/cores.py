"""How many cores this process may use."""

from __future__ import annotations

import os


def n_cores() -> int:
    """Return how many threads may compute at once: one for each core, and one if libraries are told to use one thread.

    Examples
    --------
    >>> n_cores() >= 1
    True
    """
    if os.environ.get("OMP_NUM_THREADS") == "1":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
