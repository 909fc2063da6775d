"""Fit and apply an operator on a made-up table, in the way tasks do."""

from __future__ import annotations

from typing import Any

import numpy as np

from mileage.operators import running
from mileage.operators.base import Branch, Operator
from mileage.testing.tables import Table


def build(operator: Operator, table: Table, **params: Any) -> Any:
    """Return an unfitted estimator with defaults for what is not given."""
    operator.check(operator.complete(params), table.context.task)
    return operator.build(operator.complete(params), table.context)


def fitted(operator: Operator, table: Table, **params: Any) -> tuple[Any, Any]:
    """Return the fitted state, and a transformer's output for its train rows (None for a model)."""
    estimator = build(operator, table, **params)
    if operator.is_model:
        return running.fit_model(estimator, table.X, table.y), None
    y = table.y if operator.traits.reads_y else None
    return running.fit_transform(estimator, table.X, y)


def output(operator: Operator, state: Any, table: Table, X: Any = None) -> np.ndarray:
    """Return predictions or the transformer's output as a dense array; categories stay objects."""
    X = table.X if X is None else X
    if operator.is_model:
        return np.asarray(running.predict(state, X, table.context.task, table.context.n_classes).values)
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
