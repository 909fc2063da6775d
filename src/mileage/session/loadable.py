"""Which kept results a run may load instead of computing them again."""

from __future__ import annotations

from collections.abc import Callable

from mileage.core.exactness import DEFAULT_FLOOR
from mileage.planner import LogicalPlan


def loadable(plan: LogicalPlan, kept: Callable[[str], bool], *, measured: bool = False) -> Callable[[str], bool]:
    """Return what may be loaded.

    Below the default floor of exactness it is nothing, as a kept result may have been made above it; nothing either where
    times or sizes are bounded, as what is loaded takes none, unless they were ``measured`` before.
    """
    timed = any(bound.is_measured for bound in plan.requirements) and not measured
    return kept if plan.floor >= DEFAULT_FLOOR and not timed else lambda _key: False


def remembered(kept: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return the same question for the trials of one run: what was not kept once is not looked for again.

    Examples
    --------
    >>> asked = []
    >>> kept = remembered(lambda key: asked.append(key) is not None)
    >>> kept("ab.out"), kept("ab.out"), asked
    (False, False, ['ab.out'])
    """
    absent: set[str] = set()

    def is_kept(key: str) -> bool:
        if key in absent:
            return False
        found = kept(key)
        if not found:
            absent.add(key)
        return found

    return is_kept
