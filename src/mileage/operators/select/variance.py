"""``variance``: columns that vary."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits


class Variance(Operator):
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


VARIANCE = Variance()
