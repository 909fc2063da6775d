"""The laws of ``mergeable`` and ``subtractable``: what is learned can be told from sums over parts of the rows.

A reference says for an operator which sums (``lift``), how they make what it learns (``finish``), and where the
fitted estimator keeps that (``learned``). An operator without a reference here can declare ``mergeable`` if its
estimator has ``partial_fit``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mileage.operators import Branch, Operator, running
from mileage.testing.laws.fitting import build, fitted, output, same
from mileage.testing.tables import Table, table

State = tuple[Any, ...]


@dataclass(frozen=True)
class Reference:
    """The algebra of one operator, in plain numpy."""

    lift: Callable[[Table], State]
    finish: Callable[[State, Table], Any]
    learned: Callable[[Any], Any]
    merge: Callable[[Any, Any], Any] = lambda a, b: a + b
    missing: bool = False


def mergeable(operator: Operator, branch: Branch, task: str) -> None:
    """Finish(merge(lift(A), lift(B))) is what fitting on A and B learns."""
    reference = REFERENCES.get(operator.name)
    if reference is None:
        _partial_fit(operator, branch, task)
        return
    data = table(operator, branch, task, missing=reference.missing)
    a, b = data.rows(slice(0, 40)), data.rows(slice(40, None))
    state = tuple(reference.merge(x, y) for x, y in zip(reference.lift(a), reference.lift(b), strict=True))
    _compare(reference, operator, state, data)


def subtractable(operator: Operator, branch: Branch, task: str) -> None:
    """Finish(lift(A and B) - lift(B)) is what fitting on A learns."""
    reference = REFERENCES.get(operator.name)
    assert reference is not None, "no reference says how its state is taken apart"
    data = table(operator, branch, task, missing=reference.missing)
    a, b = data.rows(slice(0, 60)), data.rows(slice(60, None))
    state = tuple(_minus(x, y) for x, y in zip(reference.lift(data), reference.lift(b), strict=True))
    _compare(reference, operator, state, a)


def _compare(reference: Reference, operator: Operator, state: State, data: Table) -> None:
    estimator, _ = fitted(operator, data)
    wanted, got = reference.learned(estimator), reference.finish(state, data)
    for one, other in zip(wanted, got, strict=True):
        assert same(np.asarray(one), np.asarray(other), tolerance=1e-6), "what is learned differs"


def _partial_fit(operator: Operator, branch: Branch, task: str) -> None:
    data = table(operator, branch, task)
    made = build(operator, data)
    assert hasattr(made, "partial_fit"), "mergeable needs a reference in mileage.testing.laws.algebra, or partial_fit"
    more = {"classes": np.unique(data.y)} if operator.is_model and task != "regression" else {}
    for part in (data.rows(slice(0, 40)), data.rows(slice(40, None))):
        made.partial_fit(*((part.X, part.y) if operator.is_model else (part.X,)), **more)
        more = {}
    whole = running.fit_model(build(operator, data), data.X, data.y)
    assert same(output(operator, made, data), output(operator, whole, data), tolerance=1e-6), "parts are not the whole"


def _minus(a: Any, b: Any) -> Any:
    if isinstance(a, list):
        return [_minus(x, y) for x, y in zip(a, b, strict=True)]
    return a - b


def _add(a: Any, b: Any) -> Any:
    return [x + y for x, y in zip(a, b, strict=True)] if isinstance(a, list) else a + b


def _array(X: Any) -> np.ndarray:
    return np.asarray(X, dtype=float)


def _moments(t: Table) -> State:
    X = _array(t.X)
    return (~np.isnan(X)).sum(axis=0), np.nansum(X, axis=0), np.nansum(X**2, axis=0)


def _mean_scale(s: State, t: Table) -> Any:
    del t
    return s[1] / s[0], s[2] / s[0] - (s[1] / s[0]) ** 2


def _counts(t: Table) -> State:
    X = t.X if hasattr(t.X, "columns") else None
    assert X is not None
    return ([Counter(X[name].dropna().tolist()) for name in X.columns],)


def _modes(s: State, t: Table) -> Any:
    del t
    return ([min((-n, v) for v, n in column.items())[1] for column in s[0]],)


def _levels(s: State, t: Table) -> Any:
    del t
    return [sorted(v for v, n in column.items() if n) for column in s[0]]


def _gram(t: Table) -> State:
    X, Y = _array(t.X), _targets(t)
    return np.array(len(X)), X.sum(axis=0), Y.sum(axis=0), X.T @ X, X.T @ Y


def _ridge(s: State, t: Table) -> Any:  # noqa: ARG001
    n, x, y, xx, xy = s
    gram = xx - np.outer(x, x) / n + np.eye(len(x))
    coef = np.linalg.solve(gram, xy - np.outer(x, y) / n)
    intercept = y / n - (x / n) @ coef
    return coef.T.ravel(), intercept


def _targets(t: Table) -> np.ndarray:
    if t.context.task == "regression":
        return t.y[:, None]
    if t.context.task == "binary":
        return (2.0 * t.y - 1)[:, None]
    return np.where(t.y[:, None] == np.arange(t.context.n_classes), 1.0, -1.0)


def _components(s: State, t: Table) -> Any:
    del t
    n, x, xx = s
    return (np.sort(np.linalg.eigvalsh((xx - np.outer(x, x) / n) / (n - 1)))[::-1],)


def _class_sums(t: Table) -> State:
    X, hot = _array(t.X), (t.y[:, None] == np.arange(t.context.n_classes)).astype(float)
    return hot.sum(axis=0), hot.T @ X, hot.T @ X**2, hot.T @ (X > 0)


def _dummy(t: Table) -> State:
    hot = t.y[:, None] if t.context.task == "regression" else t.y[:, None] == np.arange(t.context.n_classes)
    return np.array(len(t.y)), hot.sum(axis=0)


def _multinomial(s: State, t: Table) -> Any:
    del t
    smooth = s[1] + 1
    return np.log(s[0] / s[0].sum()), np.log(smooth / smooth.sum(axis=1, keepdims=True))


def _gaussian(s: State, t: Table) -> Any:
    del t
    mean = s[1] / s[0][:, None]
    return s[0] / s[0].sum(), mean, s[2] / s[0][:, None] - mean**2


def _bernoulli(s: State, t: Table) -> Any:
    del t
    return np.log(s[0] / s[0].sum()), np.log((s[3] + 1) / (s[0][:, None] + 2))


def _pca_variance(estimator: Any) -> Any:
    return (estimator.explained_variance_,)


def _nb(estimator: Any) -> Any:
    return estimator.class_log_prior_, estimator.feature_log_prob_


def _first_pca(s: State, t: Table) -> Any:
    """Keep as many components as explain the default share of the variance."""
    values = _components(s, t)[0]
    kept = int(np.searchsorted(np.cumsum(values) / values.sum(), 0.95, side="right")) + 1
    return (values[:kept],)


_MOMENTS = Reference(_moments, _mean_scale, lambda e: (e.mean_, e.var_), missing=True)
_FREQUENCIES = Reference(
    _counts, _modes, lambda e: (e.statistics_ if hasattr(e, "statistics_") else e[1].statistics_,), _add, missing=True
)
_CATEGORIES = Reference(_counts, _levels, lambda e: e.categories_, _add)

REFERENCES = {
    "standard": _MOMENTS,
    "mean": Reference(_moments, lambda s, t: _mean_scale(s, t)[:1], lambda e: (e.statistics_,), missing=True),
    "variance": Reference(_moments, lambda s, t: _mean_scale(s, t)[1:], lambda e: (e.variances_,)),
    "most_frequent": _FREQUENCIES,
    "one_hot": _CATEGORIES,
    "ordinal": _CATEGORIES,
    "encode_native": _CATEGORIES,
    "ridge": Reference(_gram, _ridge, lambda e: (np.ravel(e.coef_), np.ravel(e.intercept_))),
    "pca": Reference(lambda t: _gram(t)[:2] + _gram(t)[3:4], _first_pca, _pca_variance),
    "dummy": Reference(
        _dummy,
        lambda s, t: (s[1] / s[0],),
        lambda e: (e.class_prior_ if hasattr(e, "class_prior_") else e.constant_.ravel(),),
    ),
    "multinomial_nb": Reference(_class_sums, _multinomial, _nb),
    "bernoulli_nb": Reference(_class_sums, _bernoulli, _nb),
    "gaussian_nb": Reference(_class_sums, _gaussian, lambda e: (e.class_prior_, e.theta_, e.var_)),
    "knn": Reference(
        lambda t: (t.X, t.y),
        lambda s, t: s,
        lambda e: (e._fit_X, e._y if e._y.dtype.kind == "f" else e.classes_[e._y]),
        lambda a, b: np.concatenate([a, b]),
    ),
}

LAWS = (mergeable, subtractable)
