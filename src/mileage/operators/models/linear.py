"""``linear``: linear regression: least squares, lasso or elastic net."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.together import Fused, LinearFits

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_CELLS = 30_000_000  # of a sparse matrix that is made dense: 240 MB
_SOONER = 0.01  # of the tolerance of a fit alone: going on from the fit before, a solver that stops as soon might not move at all


@dataclass(frozen=True)
class PathFits(LinearFits):
    """Linear models along a path, of a target whose mean and deviation are these, and the iterations that each took."""

    mean: float = 0.0
    deviation: float = 1.0
    n_rows: int = 0
    n_iter: tuple[int, ...] = ()


class Linear(Fused, Operator):
    """Linear regression: least squares, lasso or elastic net."""

    name = "linear"
    family = Family.MODEL
    params = (
        Param(
            "penalty",
            OneOf((None, "l1", "elasticnet")),
            None,
            "kind of penalty",
            OneOf((None, "l1", "elasticnet")),
            Stage.CONTINUE,
        ),
        Param(
            "alpha",
            FloatRange(1e-9, 1e9),
            0.1,
            "strength of the penalty, of the deviations of the target",
            FloatRange(1e-4, 1.0, log=True),
            Stage.CONTINUE,
            ("penalty", ("l1", "elasticnet")),
        ),
        Param(
            "l1_ratio",
            FloatRange(0.01, 1.0),
            0.5,
            "share of l1 in elasticnet",
            None,
            Stage.CONTINUE,
            ("penalty", ("elasticnet",)),
        ),
        Param(
            "max_iter",
            IntRange(1, 1_000_000),
            2000,
            "most iterations",
            None,
            Stage.CONTINUE,
            ("penalty", ("l1", "elasticnet")),
        ),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        path=("alpha",),
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        gram_only=True,
        oracle_loss=True,
        additive=True,
    )
    cost = Cost(0.01, 5e-7)
    accepts = (Branch.MATRIX,)
    tasks = ("regression",)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.linear_model import ElasticNet, Lasso, LinearRegression
        from sklearn.preprocessing import StandardScaler

        alpha, rounds, seed = params["alpha"], params["max_iter"], context.seed
        if params["penalty"] is None:
            return LinearRegression()
        if params["penalty"] == "l1":
            inner = Lasso(alpha=alpha, max_iter=rounds, random_state=seed)
        else:
            inner = ElasticNet(alpha=alpha, l1_ratio=params["l1_ratio"], max_iter=rounds, random_state=seed)
        return TransformedTargetRegressor(inner, transformer=StandardScaler())

    together = "alpha"

    def can_fuse(self, params: Params) -> bool:
        """Only what has a penalty has a path."""
        return params["penalty"] is not None

    def fit_together(self, params: Params, values: Sequence[float], context: BuildContext, X: Any, y: Any) -> PathFits:
        """Go from the strongest penalty to the weakest, on products of columns where rows are more (Friedman et al. 2010)."""
        import warnings

        import numpy as np
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import enet_path

        inner = self.build(params, context).regressor
        X, y = _checked(X, y)
        mean, deviation, middle = y.mean(), y.std() or 1.0, np.asarray(X.mean(axis=0)).ravel()
        how: dict[str, Any] = {"X_offset": middle, "X_scale": np.ones(len(middle))}
        if not hasattr(X, "tocsc"):
            X, how = np.asfortranarray(X - middle), {"precompute": "auto"}
        target, order = (y - mean) / deviation, np.argsort(values)[::-1]  # from the strongest
        how |= {"tol": _SOONER * inner.tol, "max_iter": inner.max_iter, "l1_ratio": getattr(inner, "l1_ratio", 1.0)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit alone need not come so far
            alphas = np.array(values, dtype=np.float64)[order]
            _, found, gaps, n_iter = enet_path(X, target, alphas=alphas, return_n_iter=True, check_input=False, **how)
        if (gaps > inner.tol * (target @ target)).any():
            warnings.warn("coordinate descent failed to converge", ConvergenceWarning, stacklevel=2)
        back = np.argsort(order)
        coef = found.T[back] * deviation
        own = np.array([], dtype=np.int64), mean, deviation, len(y), tuple(int(n_iter[i]) for i in back)
        return PathFits(coef[..., None], (mean - coef @ middle)[:, None], "value", *own)

    def alone(self, params: Params, context: BuildContext, fits: PathFits, place: int) -> Any:
        """Return the estimator with the weights of one of the fits."""
        import numpy as np

        made = self.build(params, context)
        scaler, inner = made.transformer, made.regressor
        scaler.mean_, scaler.scale_ = np.array([fits.mean]), np.array([fits.deviation])
        scaler.var_, scaler.n_samples_seen_, scaler.n_features_in_ = scaler.scale_**2, fits.n_rows, 1
        inner.coef_ = fits.coef[place, :, 0] / fits.deviation
        inner.intercept_ = float(fits.intercept[place, 0] - fits.mean) / fits.deviation
        inner.n_iter_, inner.n_features_in_ = fits.n_iter[place], fits.coef.shape[1]
        made.transformer_, made.regressor_, made._training_dim = scaler, inner, 1
        return made


def _checked(X: Any, y: Any) -> tuple[Any, Any]:
    """Return rows and targets as numbers, dense ones where products of columns are worth it; what scikit-learn refuses is refused.

    Raises
    ------
    ValueError
    """
    import numpy as np

    if hasattr(X, "tocsc"):
        has_products = X.shape[1] < X.shape[0] and math.prod(X.shape) <= _MOST_CELLS
        X = X.toarray() if has_products else X.tocsc()
    X = X.astype(np.float64, copy=False) if hasattr(X, "tocsc") else np.asarray(X, dtype=np.float64)
    if not np.isfinite(getattr(X, "data", X)).all():
        message = "Input X contains NaN or infinity."
        raise ValueError(message)
    return X, np.asarray(y, dtype=np.float64)


LINEAR = Linear()
