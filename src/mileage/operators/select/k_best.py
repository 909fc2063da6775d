"""``k_best``: the share of columns that go best with the target."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class KBest(Operator):
    """Keep the share of columns with the strongest single relation to the target (F test)."""

    name = "k_best"
    family = Family.SELECT
    params = (Param("percentile", IntRange(1, 100), 50, "per cent of the columns kept", IntRange(10, 90), Stage.RESTRICT),)
    traits = Traits(row_wise=True, reads_y=True, mergeable=True, subtractable=True, prefix=("percentile",), sparse=True)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:  # noqa: ANN401
        """Return scikit-learn's SelectPercentile."""
        from sklearn.feature_selection import SelectPercentile, f_classif, f_regression

        return SelectPercentile(f_classif if context.is_classification else f_regression, **params)

K_BEST = KBest()
