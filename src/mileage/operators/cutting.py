"""Cut a fitted ensemble of ours back to its first members."""

from __future__ import annotations

from copy import copy
from typing import Any

from mileage.operators.base import Operator, Params

_KNOWN = frozenset({"random_forest", "extra_trees", "hist_gbm", "lightgbm"})


def can_be_cut(operator: Operator) -> bool:
    """Say whether it is known how to cut a fitted one back.

    Examples
    --------
    >>> from mileage.operators import operators
    >>> can_be_cut(operators.get("random_forest")), can_be_cut(operators.get("logistic"))
    (True, False)
    """
    return bool(operator.traits.prefix) and operator.name in _KNOWN


def cut_step(operator: Operator, state: Any, params: Params) -> Any:
    """Return a fitted step as it would be with the parameters of a smaller one; the given one is not changed."""
    from mileage.traits.restrict import cut_back

    name = operator.traits.prefix[0]
    if type(state).__name__ == "Pipeline":
        made = copy(state)
        last, model = state.steps[-1]
        made.steps = [*state.steps[:-1], (last, cut_back(type(model).__name__, name, model, params[name]))]
        return made
    return cut_back(type(state).__name__, name, state, params[name])
