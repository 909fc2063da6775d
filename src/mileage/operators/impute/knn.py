"""``impute_knn``: missing numbers from the nearest rows."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class ImputeKnn(Operator):
    """Fill each missing number with the mean of the nearest rows that have it (Troyanskaya et al. 2001)."""

    name = "impute_knn"
    family = Family.IMPUTE
    aliases = ("knn",)
    params = (Param("n_neighbors", IntRange(1, 100), 5, "rows to average", IntRange(3, 15), Stage.PREDICT),)
    traits = Traits(row_wise=True, native_missing=True)
    cost = Cost(0.01, 2e-9, 2.0)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's KNNImputer."""
        del context
        from sklearn.impute import KNNImputer

        return KNNImputer(n_neighbors=params["n_neighbors"], keep_empty_features=True)


IMPUTE_KNN = ImputeKnn()
