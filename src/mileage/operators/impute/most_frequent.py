"""``most_frequent``: missing numbers become the column's most frequent value."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class MostFrequent(Operator):
    """Put the column's most frequent value in the place of missing numbers."""

    name = "most_frequent"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=True, subtractable=True)
    accepts = (Branch.NUMERIC, Branch.CATEGORICAL)

    def build(self, params: Params, context: BuildContext) -> Any:  # noqa: ANN401
        """Return scikit-learn's SimpleImputer."""
        del context, params
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="most_frequent", keep_empty_features=True)

MOST_FREQUENT = MostFrequent()
