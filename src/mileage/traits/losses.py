"""Losses of linear models as functions of the margin ``X @ w``: what a fused minimizer asks of a model.

References
----------
Each objective is that of the user guide of scikit-learn, section 1.1 (linear models) and 1.4 (linear support vectors).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Margin = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
_ROWS = 2048


@dataclass(frozen=True)
class Loss:
    """The data's part of an objective by margins, and the weight of the penalty on the coefficients.

    ``by_margin`` returns the sum over rows and its gradient by each margin; margins have one column a class where there
    are several.
    """

    by_margin: Margin
    penalty: Callable[[Any, int], float]
    scale: Callable[[Any, int], float] = lambda _fitted, _n: 1.0
    n_outputs: int = 1
    penalizes_intercept: bool = False

    def weights(self, fitted: Any) -> np.ndarray:
        """Return the fitted weights, the intercept first, shape (1 + n_columns, n_outputs)."""
        coef = np.atleast_2d(fitted.coef_)
        return np.vstack([np.ravel(fitted.intercept_)[None, :], coef.T])

    def at(self, weights: np.ndarray, X: np.ndarray, y: np.ndarray | None, fitted: Any) -> float:
        """Return the objective."""
        return self.both(weights, X, y, fitted)[0]

    def both(self, weights: np.ndarray, X: np.ndarray, y: np.ndarray | None, fitted: Any) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient by the weights."""
        assert y is not None
        padded = np.column_stack([np.ones(len(X)), X])
        value, slope = self.by_margin(padded @ weights, y)
        scale, penalty = self.scale(fitted, len(X)), self.penalty(fitted, len(X))
        inner = weights.copy()
        if not self.penalizes_intercept:
            inner[0] = 0.0
        return scale * value + penalty / 2 * float((inner**2).sum()), scale * padded.T @ slope + penalty * inner


def minimized(loss: Loss, X: np.ndarray, y: np.ndarray | None, fitted: Any) -> float:
    """Return the smallest objective that L-BFGS finds from zero."""
    from scipy.optimize import minimize

    shape = (X.shape[1] + 1, loss.n_outputs)

    def ask(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss.both(flat.reshape(shape), X, y, fitted)
        return value, gradient.ravel()

    found = minimize(
        ask,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-10},
    )
    return float(found.fun)


def _softmax(margins: np.ndarray, y: np.ndarray, kept: np.ndarray | None = None) -> tuple[Any, np.ndarray]:
    """Of one model, margins of shape (n_rows, n_classes), or of several, (n_rows, n_models, n_classes), on rows that are ``kept``."""
    shifted = margins - margins.max(axis=-1, keepdims=True)
    slopes = np.exp(shifted)
    total = slopes.sum(axis=-1, keepdims=True)
    rows = np.arange(len(y))
    values = np.log(total[..., 0]) - shifted[rows, ..., y]
    slopes /= total
    slopes[rows, ..., y] -= 1.0
    if kept is not None:
        values *= kept
        slopes *= kept[..., None]
    return values.sum(axis=0), slopes


def _binomial(margins: np.ndarray, y: np.ndarray, kept: np.ndarray | None = None) -> tuple[Any, np.ndarray]:
    """Of several models with one margin for the second of two classes, shape (n_rows, n_models, 1), on rows that are ``kept``."""
    of_one, truth = margins[..., 0], y.astype(np.float64)
    odds = np.abs(of_one)
    np.negative(odds, out=odds)
    np.exp(odds, out=odds)
    if kept is None:
        value = np.log1p(odds).sum(axis=0) + np.maximum(of_one, 0.0).sum(axis=0) - truth @ of_one
    else:
        value = np.einsum("ij,ij->j", np.log1p(odds) + np.maximum(of_one, 0.0) - truth[:, None] * of_one, kept)
    odds += 1.0
    slopes = np.copysign(1.0 / odds - 0.5, of_one)
    slopes += 0.5 - truth[:, None]
    if kept is not None:
        slopes *= kept
    return value, slopes[..., None]


@dataclass(frozen=True)
class LogisticLosses:
    """Mean logistic losses of several linear models on the same rows: one product for their margins, and one for their slopes.

    Attributes
    ----------
    X : array or sparse matrix of shape (n_rows, n_columns)
    y : array of shape (n_rows,)
        Places of classes.
    n_outputs : int
        1 for two classes, else their number.
    penalties : array of shape (n_models,)
        Half of it times the squared weights is added to the mean; intercepts are free.

    Examples
    --------
    >>> losses = LogisticLosses(np.array([[-1.0], [1.0]]), np.array([0, 1]), 1, np.array([0.0, 2.0]))
    >>> values, slopes = losses([0, 1], np.array([[0.0, 0.0], [1.0, 0.0]]))
    >>> values.round(3).tolist(), slopes.round(3).tolist()
    ([0.693, 1.313], [[-0.5, 0.0], [1.731, 0.0]])
    """

    X: Any
    y: np.ndarray
    n_outputs: int
    penalties: np.ndarray

    @property
    def n_parameters(self) -> int:
        """Weights of columns output by output, then the intercepts."""
        return int(self.X.shape[1] + 1) * self.n_outputs

    def __call__(self, who: list[int], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and slopes at one point for each of some models."""
        n, p = self.X.shape
        weights = points.reshape(len(who), p + 1, self.n_outputs)
        flat = np.ascontiguousarray(weights[:, :p].transpose(1, 0, 2)).reshape(p, -1)
        values, slopes = np.zeros(len(who)), np.zeros((p + 1, flat.shape[1]))
        of_rows = _binomial if self.n_outputs == 1 else _softmax
        for first in range(0, n, _ROWS):  # as many rows as stay near the processor
            X, y = self.X[first : first + _ROWS], self.y[first : first + _ROWS]
            margins = (X @ flat + weights[:, p].ravel()).reshape(len(y), len(who), self.n_outputs)
            value, slope = of_rows(margins, y)
            values += value
            slopes[:p] += X.T @ slope.reshape(len(y), -1)
            slopes[p] += slope.sum(axis=0).ravel()
        told = slopes.reshape(p + 1, len(who), self.n_outputs).transpose(1, 0, 2) / n
        penalty = self.penalties[who]
        values = values / n + penalty / 2 * (weights[:, :p] ** 2).sum(axis=(1, 2))
        told[:, :p] += penalty[:, None, None] * weights[:, :p]
        return values, told.reshape(len(who), -1)


@dataclass(frozen=True)
class MaskedLosses:
    """Mean logistic losses of several linear models, each on some of the rows and on linear maps of the columns of its own.

    Attributes
    ----------
    X : array of shape (n_rows, n_columns)
    y : array of shape (n_rows,)
        Places of classes.
    n_outputs : int
        1 for two classes, else their number.
    penalties : array of shape (n_models,)
        As of :class:`LogisticLosses`.
    rows : array of shape (n_rows, n_models)
        1 for the rows of a model, 0 for others.
    weights : array of shape (n_models, n_columns, n_own)
    offsets : array of shape (n_models, n_own)
        What a model sees of a row ``x`` is ``x @ weights + offset``.

    Examples
    --------
    >>> X, y = np.array([[-1.0], [1.0], [9.0]]), np.array([0, 1, 0])
    >>> rows, same = np.array([[1.0], [1.0], [0.0]]), (np.ones((1, 1, 1)), np.zeros((1, 1)))
    >>> values, slopes = MaskedLosses(X, y, 1, np.array([2.0]), rows, *same)([0], np.array([[1.0, 0.0]]))
    >>> values.round(3).tolist(), slopes.round(3).tolist()
    ([1.313], [[1.731, 0.0]])
    """

    X: np.ndarray
    y: np.ndarray
    n_outputs: int
    penalties: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    @property
    def n_parameters(self) -> int:
        """Weights of columns output by output, then the intercepts."""
        return int(self.offsets.shape[1] + 1) * self.n_outputs

    def __call__(self, who: list[int], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and slopes at one point for each of some models."""
        n, p = self.X.shape
        own = points.reshape(len(who), -1, self.n_outputs)
        inner, maps, offsets = own[:, :-1], self.weights[who], self.offsets[who]
        flat = np.einsum("mcp,mpo->cmo", maps, inner, optimize=True).reshape(p, -1)
        bias = own[:, -1] + np.einsum("mp,mpo->mo", offsets, inner)
        rows = self.rows if len(who) == self.rows.shape[1] else self.rows[:, who]
        values, slopes, sums = np.zeros(len(who)), np.zeros((p, flat.shape[1])), np.zeros((len(who), self.n_outputs))
        of_rows = _binomial if self.n_outputs == 1 else _softmax
        for first in range(0, n, _ROWS):
            X, y, its = self.X[first : first + _ROWS], self.y[first : first + _ROWS], rows[first : first + _ROWS]
            margins = (X @ flat).reshape(len(y), len(who), self.n_outputs) + bias
            value, slope = of_rows(margins, y, its)
            values += value
            slopes += X.T @ slope.reshape(len(y), -1)
            sums += slope.sum(axis=0)
        by_column = np.einsum("mcp,cmo->mpo", maps, slopes.reshape(p, len(who), -1), optimize=True)
        told = np.concatenate([by_column + offsets[:, :, None] * sums[:, None], sums[:, None]], axis=1)
        counts, penalty = rows.sum(axis=0), self.penalties[who]
        told /= counts[:, None, None]
        told[:, :-1] += penalty[:, None, None] * inner
        return values / counts + penalty / 2 * (inner**2).sum(axis=(1, 2)), told.reshape(len(who), -1)


def _squares(margins: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    off = margins - y[:, None]
    return float((off**2).sum()) / 2, off


def _squared_hinge(margins: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    side = np.where(y[:, None] == np.arange(margins.shape[1]), 1.0, -1.0)
    short = np.maximum(0.0, 1.0 - side * margins)
    return float((short**2).sum()), -2 * side * short


def _poisson(margins: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    rate = np.exp(margins)
    return float((rate - y[:, None] * margins).sum()), rate - y[:, None]


def _gamma(margins: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    part = y[:, None] * np.exp(-margins)
    return float((part + margins).sum()), 1.0 - part


def _mean(_fitted: Any, n: int) -> float:
    return 1.0 / n


def _alpha(fitted: Any, _n: int) -> float:
    return float(fitted.alpha)


LOSSES: Mapping[str, Loss] = {
    "LogisticRegression": Loss(_softmax, lambda fitted, _n: 1.0 / fitted.C, n_outputs=3),
    "Ridge": Loss(_squares, _alpha),
    "LinearRegression": Loss(_squares, lambda _fitted, _n: 0.0),
    "LinearSVC": Loss(
        _squared_hinge, lambda _f, _n: 1.0, scale=lambda f, _n: float(f.C), n_outputs=3, penalizes_intercept=True
    ),
    "PoissonRegressor": Loss(_poisson, _alpha, _mean),
    "GammaRegressor": Loss(_gamma, _alpha, _mean),
    "TweedieRegressor": Loss(_squares, _alpha, _mean),
}
