"""Which losses of regression are worth searching: they depend on the target and on what is optimized."""

from __future__ import annotations

from collections.abc import Sequence

from mileage.data import TargetProfile
from mileage.planner.logical import Objective

_SKEWED = 1.0
_ABSOLUTE = frozenset({"mae", "medae", "mape", "d2_absolute_error_score"})


def losses_of(target: TargetProfile, objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return the losses to search; the mean of the target is what squares aim at, and Tweedie deviances too.

    Examples
    --------
    >>> losses_of(TargetProfile("regression", "", skew=3.0, least=0.0), ())
    ('squared', 'tweedie')
    """
    if target.task != "regression":
        return ()
    found = ["squared"]
    if any(objective.call.split("(")[0] in _ABSOLUTE for objective in objectives):
        found.append("absolute")
    if target.least is not None and target.least >= 0 and (target.skew or 0.0) > _SKEWED:
        found.append("tweedie")
    return tuple(found)
