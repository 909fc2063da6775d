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


def _softmax(margins: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    shifted = margins - margins.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    total = odds.sum(axis=1, keepdims=True)
    hot = (y[:, None] == np.arange(margins.shape[1])).astype(float)
    return float((np.log(total[:, 0]) - (shifted * hot).sum(axis=1)).sum()), odds / total - hot


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
