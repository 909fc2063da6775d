"""``variance``: columns that vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, Linear, named

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Variance(FromSums, Linear, Operator):
    """Drop columns with a variance not above a threshold."""

    name = "variance"
    family = Family.SELECT
    params = (Param("threshold", FloatRange(0.0, 1e12), 0.0, "smallest variance dropped", None, Stage.RESTRICT),)
    traits = Traits(row_wise=True, mergeable=True, subtractable=True, sparse=True)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's VarianceThreshold."""
        del context
        from sklearn.feature_selection import VarianceThreshold

        return VarianceThreshold(**params)

    extremes = True

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """A threshold that a variance equals but for rounding would decide otherwise; that a column has one value does not."""
        del context
        return float(str(params["threshold"])) == 0.0

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the selector from squares, and from the ends of columns: those of one value are told without rounding."""
        import numpy as np

        made = self.build(params, context)
        n, _, squares = seen.known
        made.variances_ = np.minimum(squares / np.maximum(n, 1), seen.high - seen.low)
        if not (made.variances_ > made.threshold).any():
            message = f"No feature in X meets the variance threshold {made.threshold:.5f}"
            raise ValueError(message)
        return named(made, seen)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Some of the columns are kept."""
        return seen.kept(fitted.get_support(indices=True))


VARIANCE = Variance()
