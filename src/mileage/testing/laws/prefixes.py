"""The law of ``prefix``: the fit with the larger value, cut back, is the fit with the smaller one.

How a fitted estimator is cut back depends on its library; an estimator that none of the ways below knows cannot
declare the trait yet.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from mileage.operators import Branch, Operator, running
from mileage.testing.laws.fitting import fitted, output, same
from mileage.testing.tables import Table, table

_SMALL, _LARGE = 3, 6


def prefix(operator: Operator, branch: Branch, task: str) -> None:
    """Fit with 6, cut back to 3, and compare to a fit with 3."""
    data = table(operator, branch, task)
    for name in operator.traits.prefix:
        large, _ = fitted(operator, data, **{name: _LARGE})
        small, _ = fitted(operator, data, **{name: _SMALL})
        wanted = output(operator, small, data)
        if operator.is_model:
            got = np.asarray(cut_prediction(large, data, _SMALL).values)
            assert same(got, wanted, tolerance=1e-6), f"{name} is no prefix"
        else:
            got = output(operator, large, data)
            assert _columns_in(wanted, got), f"{name} is no prefix"


def cut_prediction(state: Any, data: Table, n: int) -> running.Predictions:
    """Return what a fitted ensemble predicts with its first ``n`` members.

    Raises
    ------
    AssertionError
        If it is not known how to cut this estimator back.
    """
    return running.predict(_First(state, n), data.X, data.context.task, data.context.n_classes)


class _First:
    """A fitted ensemble that answers with its first members only."""

    def __init__(self, state: Any, n: int) -> None:
        self.before: Any = None
        if hasattr(state, "named_steps"):
            self.before, state = state[:-1], state[-1]
        self.state, self.n = state, n
        self.classes_ = getattr(state, "classes_", None)
        ways = [way for cls, way in _WAYS.items() if cls in _names(type(state))]
        assert ways, f"not known how to cut a {type(state).__name__} back"
        self.way = ways[0]

    def predict(self, X: Any) -> Any:
        return self.way(self.state, self._ready(X), self.n, "predict")

    def predict_proba(self, X: Any) -> Any:
        return self.way(self.state, self._ready(X), self.n, "predict_proba")

    def _ready(self, X: Any) -> Any:
        return X if self.before is None else self.before.transform(X)


def _forest(state: Any, X: Any, n: int, verb: str) -> Any:
    cut = copy(state)
    cut.estimators_ = state.estimators_[:n]
    cut.n_estimators = n
    return getattr(cut, verb)(X)


def _staged(state: Any, X: Any, n: int, verb: str) -> Any:
    return list(getattr(state, f"staged_{verb}")(X))[n - 1]


def _lightgbm(state: Any, X: Any, n: int, verb: str) -> Any:
    return getattr(state, verb)(X, num_iteration=n)


def _xgboost(state: Any, X: Any, n: int, verb: str) -> Any:
    return getattr(state, verb)(X, iteration_range=(0, n))


def _catboost(state: Any, X: Any, n: int, verb: str) -> Any:
    return getattr(state, verb)(X, ntree_end=n)


def _neighbors(state: Any, X: Any, n: int, verb: str) -> Any:
    cut = copy(state)
    cut.n_neighbors = n
    return getattr(cut, verb)(X)


_WAYS = {
    "BaseForest": _forest,
    "BaseHistGradientBoosting": _staged,
    "LGBMModel": _lightgbm,
    "XGBModel": _xgboost,
    "CatBoost": _catboost,
    "NeighborsBase": _neighbors,
}


def _names(kind: type) -> set[str]:
    return {base.__name__ for base in kind.__mro__}


def _columns_in(some: np.ndarray, more: np.ndarray) -> bool:
    return all(any(same(a, b) for b in more.T) for a in some.T)
