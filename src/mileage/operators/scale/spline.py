"""``spline``: a smooth curve of each number, in the place of a straight line."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import BuildContext, Cost, Family, Operator, Param, Params, Traits


class Spline(Operator):
    """Replace a number by cubic B-splines over its quantiles (Eilers and Marx 1996): a linear model then adds up a curve a column.

    Each column becomes ``n_knots + 1`` columns between 0 and 1; beyond the train rows' range a curve is constant.
    """

    name = "spline"
    family = Family.SCALE
    params = (Param("n_knots", IntRange(2, 50), 5, "knots, at quantiles of the column", IntRange(4, 8)),)
    traits = Traits(row_wise=True)
    cost = Cost(0.002, 1e-6)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SplineTransformer."""
        del context
        from sklearn.preprocessing import SplineTransformer

        return SplineTransformer(
            n_knots=params["n_knots"], knots="quantile", extrapolation="constant", include_bias=False
        )


SPLINE = Spline()
