"""Cut a fitted step of ours back to another value of what it reads last."""

from __future__ import annotations

from copy import copy
from typing import Any

from mileage.errors import InternalError
from mileage.operators.base import BuildContext, Operator, Params


def cut_step(operator: Operator, state: Any, params: Params, context: BuildContext) -> Any:
    """Return a fitted step as a fit with other values of the late parameters makes it; the given one is not changed.

    What has to be cut is told from the estimator that the operator builds: each parameter in which it differs from the fitted
    one is cut as the registry of traits knows for the class.

    Raises
    ------
    InternalError
        If the two differ in what is not cut.

    Examples
    --------
    >>> import numpy as np
    >>> from mileage.operators import operators
    >>> k_best, context = operators.get("k_best"), BuildContext("binary")
    >>> X, y = np.array([[0.0, 1.0], [1.0, 1.2], [2.0, 0.8], [3.0, 1.0]]), [0, 0, 1, 1]
    >>> fitted = k_best.build(k_best.complete({"k": 2}), context).fit(X, y)
    >>> cut_step(k_best, fitted, k_best.complete({"k": 1}), context).transform(X).tolist()
    [[0.0], [1.0], [2.0], [3.0]]
    """
    return operator.trimmed(_cut(state, operator.build(params, context)))


def gather_answers(operator: Operator, state: Any, X: Any, params: Params, context: BuildContext) -> Any:
    """Return what a fitted step with these parameters, or smaller ones, answers from for some rows."""
    from mileage.traits.gather import gather

    largest = cut_step(operator, state, params, context)
    return gather(*_gathered(operator, largest), largest, X)


def inform_step(operator: Operator, state: Any, found: Any) -> Any:
    """Return a fitted step that answers from what was gathered for the rows that it will be asked, or tells their columns from it."""
    from mileage.traits.gather import informed

    return informed(*_gathered(operator, state), state, found)


def _gathered(operator: Operator, state: Any) -> tuple[str, str]:
    """Return the class of a fitted step, or of one that it is made of, and the parameter for whose largest value is gathered."""
    parts = {type(part).__name__ for part in (state, *(part for _, part in getattr(state, "steps", ())))}
    claims = (claim.split(".") for one in operator.late for claim in one.gathers)
    return next((cls, name) for cls, name in claims if cls in parts)


def _cut(state: Any, wanted: Any) -> Any:
    """Return a fitted estimator with the parameters of an unfitted one."""
    if type(state) is not type(wanted):
        message = f"a {type(state).__name__} is not cut back to a {type(wanted).__name__}"
        raise InternalError(message)
    if type(state).__name__ == "Pipeline":
        made = copy(state)
        pairs = zip(state.steps, wanted.steps, strict=True)
        made.steps = [(name, _cut(step, other)) for (name, step), (_, other) in pairs]
        return made
    return _cut_parameters(state, wanted)


def _cut_parameters(state: Any, wanted: Any) -> Any:
    from mileage.traits.restrict import cut_back, cut_parameters

    has, asked = (estimator.get_params(deep=False) for estimator in (state, wanted))
    differ = [name for name in asked if not _same(has[name], asked[name])]
    order = [name for name in cut_parameters(type(state).__name__) if name in differ]
    if len(order) < len(differ):
        message = f"a fitted {type(state).__name__} is not cut back to other {', '.join(sorted({*differ} - {*order}))}"
        raise InternalError(message)
    for name in order:
        state = cut_back(type(state).__name__, name, state, asked[name])
    return state


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))
