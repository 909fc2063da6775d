"""What classes learn, told from states of parts of the rows: lift, merge, and for a group also subtract.

A state is a tuple of arrays (or of counts by value). Sums have an inverse: a fold is taken out of the state of all rows. Extremes
have none. ``finish`` gives what the class would have learned, by the names of its fitted attributes; it reads the parameters that
bind late.

References
----------
Izbicki 2013, Algebraic classifiers: a generic approach to fast cross-validation, online training, and parallel training, ICML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

State = tuple[Any, ...]
Params = Mapping[str, Any]
Learned = dict[str, np.ndarray]


@dataclass(frozen=True)
class Algebra:
    """How one kind of state is made, merged and finished; ``subtract`` is None where it has no inverse."""

    lift: Callable[[Any, np.ndarray | None], State]
    finish: Callable[[State, Params], Learned]
    merge: Callable[[Any, Any], Any] = lambda a, b: a + b
    subtract: Callable[[Any, Any], Any] | None = lambda a, b: a - b

    def merged(self, one: State, other: State) -> State:
        """Return the state of the rows of both."""
        return tuple(self.merge(a, b) for a, b in zip(one, other, strict=True))

    def without(self, whole: State, part: State) -> State:
        """Return the state of the rows that are not in ``part``.

        Raises
        ------
        TypeError
            If the state has no inverse.
        """
        if self.subtract is None:
            message = "this state has no inverse"
            raise TypeError(message)
        return tuple(self.subtract(a, b) for a, b in zip(whole, part, strict=True))


# --- moments of columns -----------------------------------------------------------------------------------------------


def _moments(X: Any, y: np.ndarray | None) -> State:
    """Count, mean and sum of squared deviations of each column, missing values left out."""
    del y
    n = (~np.isnan(X)).sum(axis=0).astype(float)
    mean = np.nansum(X, axis=0) / np.maximum(n, 1)
    return (np.stack([n, mean, np.nansum((X - mean) ** 2, axis=0)]),)


def _merge_moments(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Chan, Golub and LeVeque 1983: no cancellation, whatever the mean is."""
    n = a[0] + b[0]
    shift = b[1] - a[1]
    share = b[0] / np.maximum(n, 1)
    return np.stack([n, a[1] + shift * share, a[2] + b[2] + shift**2 * a[0] * share])


def _split_moments(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    n = whole[0] - part[0]
    mean = (whole[0] * whole[1] - part[0] * part[1]) / np.maximum(n, 1)
    share = part[0] * n / np.maximum(whole[0], 1)
    return np.stack([n, mean, whole[2] - part[2] - (part[1] - mean) ** 2 * share])


def _standard(s: State, p: Params) -> Learned:
    n, mean, squares = s[0]
    var = squares / n
    scale = np.sqrt(np.where(var > 0, var, 1.0))
    learned = {"mean_": mean, "var_": var, "scale_": scale}
    return learned if p.get("with_std", True) else {"mean_": mean}


def _variances(s: State, p: Params) -> Learned:
    del p
    return {"variances_": s[0][2] / s[0][0]}


def _means(s: State, p: Params) -> Learned:
    del p
    return {"statistics_": s[0][1]}


# --- extremes ---------------------------------------------------------------------------------------------------------


def _extremes(X: Any, y: np.ndarray | None) -> State:
    del y
    return (np.stack([np.nanmin(X, axis=0), -np.nanmax(X, axis=0)]),)


def _minmax(s: State, p: Params) -> Learned:
    low, high = s[0][0], -s[0][1]
    a, b = p.get("feature_range", (0, 1))
    span = np.where(high > low, high - low, 1.0)
    scale = (b - a) / span
    return {"data_min_": low, "data_max_": high, "scale_": scale, "min_": a - low * scale}


def _maxabs(s: State, p: Params) -> Learned:
    del p
    return {"max_abs_": np.maximum(np.abs(s[0][0]), np.abs(s[0][1]))}


# --- counts by value --------------------------------------------------------------------------------------------------


def _counts(X: Any, y: np.ndarray | None) -> State:
    del y
    return tuple(Counter(column.tolist()) for column in np.asarray(X, dtype=object).T)


def _minus(a: Counter[Any], b: Counter[Any]) -> Counter[Any]:
    return +Counter({value: n - b[value] for value, n in a.items()})


def _levels(s: State, p: Params) -> Learned:
    del p
    return {"categories_": np.concatenate([np.array(sorted(column), dtype=object) for column in s])}


# --- sums by class ----------------------------------------------------------------------------------------------------

_N_CLASSES = 3


def _by_class(X: Any, y: np.ndarray | None) -> State:
    assert y is not None
    hot = (y[:, None] == np.arange(_N_CLASSES)).astype(float)
    return hot.sum(axis=0), hot.T @ X, hot.T @ X**2


def _gaussian(s: State, p: Params) -> Learned:
    n, sums, squares = s
    theta = sums / n[:, None]
    total = n.sum()
    spread = (squares.sum(axis=0) / total - (sums.sum(axis=0) / total) ** 2).max()
    var = squares / n[:, None] - theta**2 + p.get("var_smoothing", 1e-9) * spread
    return {"class_count_": n, "theta_": theta, "var_": var}


def _multinomial(s: State, p: Params) -> Learned:
    smooth = s[1] + p.get("alpha", 1.0)
    prior = np.log(s[0] / s[0].sum()) if p.get("fit_prior", True) else np.full(len(s[0]), -np.log(len(s[0])))
    return {
        "feature_count_": s[1],
        "feature_log_prob_": np.log(smooth) - np.log(smooth.sum(axis=1, keepdims=True)),
        "class_log_prior_": prior,
    }


def _complement(s: State, p: Params) -> Learned:
    smooth = s[1].sum(axis=0) - s[1] + p.get("alpha", 1.0)
    logs = np.log(smooth / smooth.sum(axis=1, keepdims=True))
    return {
        "feature_count_": s[1],
        "feature_log_prob_": logs / logs.sum(axis=1, keepdims=True) if p.get("norm") else -logs,
    }


def _by_class_above(X: Any, y: np.ndarray | None) -> State:
    return _by_class((X > 0).astype(float), y)


def _bernoulli(s: State, p: Params) -> Learned:
    alpha = p.get("alpha", 1.0)
    return {"feature_log_prob_": np.log(s[1] + alpha) - np.log(s[0][:, None] + 2 * alpha), "class_count_": s[0]}


def _codes_by_class(X: Any, y: np.ndarray | None) -> State:
    assert y is not None
    cube = np.stack(
        [[[np.sum((y == c) & (X[:, j] == v)) for v in range(4)] for c in range(_N_CLASSES)] for j in range(X.shape[1])]
    )
    return (cube.astype(float),)


def _categorical(s: State, p: Params) -> Learned:
    smooth = s[0] + p.get("alpha", 1.0)
    return {
        "feature_log_prob_": np.concatenate([np.ravel(m) for m in np.log(smooth / smooth.sum(axis=2, keepdims=True))])
    }


def _priors(X: Any, y: np.ndarray | None) -> State:
    del X
    assert y is not None
    return ((y[:, None] == np.arange(_N_CLASSES)).sum(axis=0).astype(float),)


def _class_prior(s: State, p: Params) -> Learned:
    del p
    return {"class_prior_": s[0] / s[0].sum()}


def _centroids(s: State, p: Params) -> Learned:
    del p
    return {"centroids_": s[1] / s[0][:, None]}


def _discriminant(s: State, p: Params) -> Learned:
    del p
    return {"means_": s[1] / s[0][:, None], "priors_": s[0] / s[0].sum()}


def _f_scores(s: State, p: Params) -> Learned:
    """One-way analysis of variance from the sums of classes."""
    del p
    n, sums, squares = s
    total, k = n.sum(), len(n)
    between = (sums**2 / n[:, None]).sum(axis=0) - sums.sum(axis=0) ** 2 / total
    within = squares.sum(axis=0) - (sums**2 / n[:, None]).sum(axis=0)
    return {"scores_": (between / (k - 1)) / (within / (total - k))}


# --- Gram matrices ----------------------------------------------------------------------------------------------------


def _gram(X: Any, y: np.ndarray | None) -> State:
    """Rows, and the products of all columns, the target and ones among each other."""
    columns = [np.ones(len(X)), *X.T] if y is None else [np.ones(len(X)), *X.T, y.astype(float)]
    whole = np.column_stack(columns)
    return (whole.T @ whole,)


def _centred(s: State, *, intercept: bool = True) -> tuple[float, np.ndarray, np.ndarray]:
    """Return rows, means, and products of deviations from the means."""
    gram = s[0]
    n, sums = gram[0, 0], gram[0, 1:]
    mean = sums / n if intercept else np.zeros_like(sums)
    return n, mean, gram[1:, 1:] - n * np.outer(mean, mean)


def _ridge(s: State, p: Params) -> Learned:
    _, mean, products = _centred(s, intercept=p.get("fit_intercept", True))
    d = len(mean) - 1
    coef = np.linalg.solve(products[:d, :d] + p.get("alpha", 1.0) * np.eye(d), products[:d, d])
    return {"coef_": coef, "intercept_": np.asarray(mean[d] - mean[:d] @ coef)}


def _least_squares(s: State, p: Params) -> Learned:
    return _ridge(s, {**p, "alpha": 0.0})


def _components(s: State, p: Params) -> Learned:
    """Variances along the principal axes, largest first, as many as are kept."""
    n, mean, products = _centred(s)
    values = np.linalg.eigvalsh(products / (n - 1))[::-1]
    kept = p.get("n_components") or len(values)
    return {"mean_": mean, "explained_variance_": values[:kept]}


def _mean_target(X: Any, y: np.ndarray | None) -> State:
    assert y is not None
    return (np.array([len(X), y.sum()]),)


def _constant(s: State, p: Params) -> Learned:
    del p
    return {"constant_": np.array([[s[0][1] / s[0][0]]])}


# --- rows themselves --------------------------------------------------------------------------------------------------


def _rows(X: Any, y: np.ndarray | None) -> State:
    assert y is not None
    return np.asarray(X), np.asarray(y)


def _neighbors(s: State, p: Params) -> Learned:
    del p
    return {"_fit_X": s[0], "_y": s[1]}


ALGEBRAS: Mapping[str, Algebra] = {
    "standard": Algebra(_moments, _standard, _merge_moments, _split_moments),
    "variances": Algebra(_moments, _variances, _merge_moments, _split_moments),
    "means": Algebra(_moments, _means, _merge_moments, _split_moments),
    "minmax": Algebra(_extremes, _minmax, np.minimum, None),
    "maxabs": Algebra(_extremes, _maxabs, np.minimum, None),
    "levels": Algebra(_counts, _levels, subtract=_minus),
    "gaussian": Algebra(_by_class, _gaussian),
    "multinomial": Algebra(_by_class, _multinomial),
    "complement": Algebra(_by_class, _complement),
    "bernoulli": Algebra(_by_class_above, _bernoulli),
    "categorical": Algebra(_codes_by_class, _categorical),
    "priors": Algebra(_priors, _class_prior),
    "centroids": Algebra(_by_class, _centroids),
    "discriminant": Algebra(_by_class, _discriminant),
    "f_scores": Algebra(_by_class, _f_scores),
    "ridge": Algebra(_gram, _ridge),
    "least_squares": Algebra(_gram, _least_squares),
    "components": Algebra(_gram, _components),
    "constant": Algebra(_mean_target, _constant),
    "rows": Algebra(_rows, _neighbors, lambda a, b: np.concatenate([a, b]), None),
}
