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
