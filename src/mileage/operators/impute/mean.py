"""``mean``: missing numbers become the column's mean."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Mean(Operator):
    """Put the column's mean in the place of missing numbers."""

    name = "mean"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=True, subtractable=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer."""
        del context, params
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="mean", keep_empty_features=True)


MEAN = Mean()
