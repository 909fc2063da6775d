"""Laws of how a fit uses its rows and columns: order of rows, sums over columns, and the Gram matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from mileage.operators import Branch, Operator, Rng, running
from mileage.testing.laws.fitting import fitted, output, same, usual
from mileage.testing.tables import Table, take

_LOOSE = 2e-2  # solvers that stop at a tolerance


def not_order_sensitive(operator: Operator, branch: Branch, task: str) -> None:
    """Without the trait, a fit on the same rows in another order gives the same output."""
    if operator.traits.order_sensitive:
        return
    data, state, _ = usual(operator, branch, task, missing=operator.traits.native_missing)
    order = np.random.default_rng(1).permutation(len(data.y))
    turned = Table(take(data.X, order), data.y[order], data.context)
    outputs = [output(operator, s, data) for s in (state, fitted(operator, turned)[0])]
    if not operator.is_model and any(o.dtype.kind == "f" for o in outputs):
        outputs = [np.abs(o) for o in outputs]  # the signs of components are anybody's choice
    assert same(*outputs, tolerance=_LOOSE), "the order of rows matters: declare order_sensitive"


def random_stream(operator: Operator, branch: Branch, task: str) -> None:
    """A declared stream of random numbers needs a seed; one that is stable for prefixes needs a prefix."""
    del branch, task
    traits = operator.traits
    assert traits.rng is Rng.NONE or traits.seeded, "it draws random numbers: declare seeded"
    assert traits.rng is not Rng.PREFIX_STABLE or traits.prefix, "no parameter is a prefix"


def additive(operator: Operator, branch: Branch, task: str) -> None:
    """Two rows that swap some columns predict, together, what they did before."""
    data, state, _ = usual(operator, branch, task)
    half = len(data.y) // 2
    a, b = data.X[:half], data.X[half : 2 * half]
    first = np.arange(a.shape[1]) < a.shape[1] // 2
    before = _margins(state, data, a) + _margins(state, data, b)
    swapped = np.where(first, a, b), np.where(first, b, a)
    after = sum(_margins(state, data, X) for X in swapped)
    assert same(before, np.asarray(after), tolerance=1e-6), "a prediction is no sum over columns"


def gram_only(operator: Operator, branch: Branch, task: str) -> None:
    """Other rows with the same sums and products of columns give the same fit."""
    if task != "regression" and operator.is_model:
        return  # a turned class is no class
    data, state, _ = usual(operator, branch, task)
    mirror = np.random.default_rng(2).normal(size=len(data.y))
    mirror -= mirror.mean()
    mirror /= np.linalg.norm(mirror)
    turn = np.eye(len(mirror)) - 2 * np.outer(mirror, mirror)  # keeps sums and products
    other = Table(turn @ data.X, turn @ data.y if operator.is_model else data.y, data.context)
    outputs = [np.abs(output(operator, s, data)) for s in (state, fitted(operator, other)[0])]
    assert same(*outputs, tolerance=1e-6), "more than sums and products of columns matters"


def oracle_loss(operator: Operator, branch: Branch, task: str) -> None:
    """It is linear: a turned space of columns leaves losses at X @ w, and so the form of the prediction, as they were."""
    data, state, _ = usual(operator, branch, task)
    a, b = data.X[:20], data.X[20:40]
    middle = _margins(state, data, (a + b) / 2)
    ends = (_margins(state, data, a) + _margins(state, data, b)) / 2
    assert same(middle, ends, tolerance=1e-6), "its prediction is not linear"


def _margins(state: Any, data: Table, X: np.ndarray) -> np.ndarray:
    """Return predictions on the scale on which additive models add."""
    made = running.predict(state, X, data.context.task, data.context.n_classes)
    if made.kind != "proba":
        return made.values
    if hasattr(state, "predict_joint_log_proba"):
        scores = np.asarray(state.predict_joint_log_proba(X))
    elif hasattr(state, "decision_function"):
        return np.asarray(state.decision_function(X))
    else:
        scores = np.log(made.values)
    return np.asarray(scores[:, 1:] - scores[:, :1])


LAWS = (not_order_sensitive, random_stream, additive, gram_only, oracle_loss)
