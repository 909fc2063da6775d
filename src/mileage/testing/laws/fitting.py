"""Fit and apply an operator on a made-up table, in the way tasks do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from mileage.operators import running
from mileage.operators.base import Branch, Operator
from mileage.testing.tables import Table, table


def build(operator: Operator, data: Table, **params: Any) -> Any:
    """Return an unfitted estimator with defaults for what is not given."""
    operator.check(operator.complete(params), data.context.task)
    return operator.build(operator.complete(params), data.context)


def fitted(operator: Operator, data: Table, **params: Any) -> tuple[Any, Any]:
    """Return the fitted state, and a transformer's output for its train rows (None for a model)."""
    estimator = build(operator, data, **params)
    if operator.is_model:
        return running.fit_model(estimator, data.X, data.y), None
    y = data.y if operator.traits.reads_y else None
    return running.fit_transform(estimator, data.X, y)


@lru_cache(maxsize=2)
def usual(operator: Operator, branch: Branch, task: str, *, missing: bool = False) -> tuple[Table, Any, Any]:
    """Return the usual table, the state fitted on it with defaults, and what fitting put out.

    The laws of an operator read the same ones, one law after the other, so nothing of them may be changed.
    """
    data = table(operator, branch, task, missing=missing)
    return (data, *fitted(operator, data))


def output(operator: Operator, state: Any, data: Table, X: Any = None) -> np.ndarray:
    """Return predictions or the transformer's output as a dense array; categories stay objects."""
    X = data.X if X is None else X
    if operator.is_model:
        return np.asarray(running.predict(state, X, data.context.task, data.context.n_classes).values)
    return dense(running.apply(state, X))


def dense(out: Any) -> np.ndarray:
    """Return a frame, an array or a sparse matrix as an array."""
    return np.asarray(out.toarray() if hasattr(out, "toarray") else out)


def same(a: np.ndarray, b: np.ndarray, *, tolerance: float = 1e-7) -> bool:
    """Say whether two outputs agree, missing values included; 0 asks for equal bits."""
    if a.shape != b.shape:
        return False
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return bool((a.astype(str) == b.astype(str)).all())
    if tolerance == 0:
        return bool(np.array_equal(a, b, equal_nan=True))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def stays_categorical(operator: Operator, branch: Branch) -> bool:
    """Say whether the output are categories again, as of an imputer on categories."""
    return branch is Branch.CATEGORICAL and operator.emits is None
