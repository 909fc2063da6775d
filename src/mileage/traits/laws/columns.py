"""Laws about columns: which of them an answer, or a column of it, depends on."""

from __future__ import annotations

from typing import Any

import numpy as np

from mileage.traits.declaration import Claim, Declaration
from mileage.traits.exactness import Exactness
from mileage.traits.laws.evidence import Evidence, measured

_DEAD = 4  # the column that is made useless


def columnwise(declared: Declaration, claim: Claim) -> Evidence:
    """Another first column changes the output columns that come from it, and no other."""
    del claim
    s = declared.subject
    X, y = s.data()
    other = X.copy()
    other[:, 0] = X[::-1, 0]
    before, after = (s.answer(s.fit(rows, y), rows) for rows in (X, other))
    own = _own_columns(before.shape[1], X.shape[1])
    if own is None or before.shape != after.shape:
        return Evidence(Exactness.BROKEN, float("inf"), "output columns cannot be told by input column")
    return measured(after[:, own:], before[:, own:], "an output column depends on another input column")


def _own_columns(n_out: int, n_in: int) -> int | None:
    """Return how many output columns belong to the first input column, where each has as many."""
    return n_out // n_in if n_out % n_in == 0 else None


def dead_columns(declared: Declaration, claim: Claim) -> Evidence:
    """A column that a fitted one does not use can hold anything."""
    del claim
    s = declared.subject
    X, y = s.data()
    X[:, _DEAD] = 0.0
    fitted = s.fit(X, y)
    used = used_columns(fitted)
    if used is None or used.all():
        return Evidence(Exactness.BROKEN, float("inf"), "it does not say which columns it uses, or uses a constant one")
    other = X.copy()
    other[:, ~used] = 99.0
    return measured(s.answer(fitted, other), s.answer(fitted, X), "a column without use has an effect")


def used_columns(fitted: Any) -> np.ndarray | None:
    """Return which input columns a fitted one uses; None if it does not say.

    Examples
    --------
    >>> from sklearn.linear_model import Lasso
    >>> X = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, -1.0], [3.0, 1.0]])
    >>> used_columns(Lasso(alpha=0.1).fit(X, X[:, 0])).tolist()
    [True, False]
    """
    if hasattr(fitted, "get_support"):
        return np.asarray(fitted.get_support())
    if hasattr(fitted, "coef_"):
        used: np.ndarray = (np.atleast_2d(fitted.coef_) != 0).any(axis=0)
        return used
    if hasattr(fitted, "feature_importances_"):
        return np.asarray(fitted.feature_importances_) > 0
    return None


def additive(declared: Declaration, claim: Claim) -> Evidence:
    """The margin is a sum of one term a column."""
    del claim
    s = declared.subject
    X, y = s.data()
    fitted = s.fit(X, y)
    margin = getattr(fitted, "decision_function", fitted.predict)
    base = X[:1].repeat(len(X), axis=0)
    at_base = _linked(margin(base), s.y)
    total = at_base
    for j in range(X.shape[1]):
        one = base.copy()
        one[:, j] = X[:, j]
        total = total + _linked(margin(one), s.y) - at_base
    return measured(total, _linked(margin(X), s.y), "columns act together")


def _linked(answer: Any, target: str) -> np.ndarray:
    """Return an answer on the scale on which terms add up: a rate is the exponential of a margin."""
    return np.asarray(np.log(answer) if target == "positive" else answer)
