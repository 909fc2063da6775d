"""The conformance suite of metrics: laws that a score of kept predictions must keep."""

from __future__ import annotations

import math

import numpy as np

from mileage.operators.metrics import Metric
from mileage.operators.running import Predictions

_N = 60


def check_metric(metric: Metric) -> None:
    """Check a metric on made-up predictions of every task it serves.

    Raises
    ------
    AssertionError
        If it is not a number, depends on the order of the rows, changes its input, or ranks a perfect prediction
        below a random one.

    Examples
    --------
    >>> from mileage.operators.metrics import metrics
    >>> check_metric(metrics.get("gini"))
    """
    assert metric.name.isidentifier(), f"'{metric.name}' is no name for a query"
    assert (type(metric).__doc__ or "").strip(), "the class has no docstring"
    for task in metric.tasks:
        y, random, perfect, classes = _example(task)
        before = random.values.copy()
        value = metric.measure(y, random, classes)
        assert isinstance(value, float), "it is not a float"
        assert math.isfinite(value), "it is not finite where it should be defined"
        order = np.random.default_rng(1).permutation(_N)
        shuffled = Predictions(random.kind, random.values[order], random.labels[order])
        assert math.isclose(metric.measure(y[order], shuffled, classes), value, rel_tol=1e-9, abs_tol=1e-12), (
            "the order of rows matters"
        )
        assert np.array_equal(before, random.values), "it changed the predictions"
        best = metric.measure(y, perfect, classes)
        assert best >= value if metric.greater_is_better else best <= value, (
            "a perfect prediction is worse than a random one"
        )


def _example(task: str) -> tuple[np.ndarray, Predictions, Predictions, tuple[str, ...]]:
    rng = np.random.default_rng(0)
    if task == "regression":
        y, guess = rng.random(_N) + 1, rng.random(_N) + 1
        return y, Predictions("value", guess, guess), Predictions("value", y, y), ()
    n_classes = 2 if task == "binary" else 3
    codes = rng.integers(0, n_classes, _N)
    proba = rng.dirichlet(np.ones(n_classes), _N)
    perfect = Predictions("proba", np.eye(n_classes)[codes], codes)
    return codes, Predictions("proba", proba, proba.argmax(axis=1)), perfect, ("a", "b", "c")[:n_classes]
