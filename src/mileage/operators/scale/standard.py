"""``standard``: mean 0 and variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, Linear, named

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Standard(FromSums, Linear, Operator):
    """Shift and scale each column to mean 0 and variance 1."""

    name = "standard"
    family = Family.SCALE
    traits = Traits(
        row_wise=True,
        columnwise=True,
        native_missing=True,
        keeps_missing=True,
        mergeable=True,
        subtractable=True,
        negative=True,
    )

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's StandardScaler."""
        del params, context
        from sklearn.preprocessing import StandardScaler

        return StandardScaler()

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the scaler from means and squares of what is known of each column."""
        import numpy as np

        made = self.build(params, context)
        n, mean, squares = seen.known
        var = np.where(n > 0, squares / np.maximum(n, 1), np.nan)
        eps = np.finfo(np.float64).eps
        constant = var <= n * eps * var + (n * mean * eps) ** 2  # scikit-learn's bound of what rounding leaves
        made.mean_, made.var_, made.scale_ = mean, var, np.sqrt(np.where(constant, 1.0, var))
        made.n_samples_seen_ = n[0] if np.ptp(n) == 0 else n
        return named(made, seen)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Columns are shifted and scaled."""
        return seen.scaled(fitted.mean_, fitted.scale_)


STANDARD = Standard()
