"""``soft_trees``: gradient boosting of LightGBM that learns probabilities of classes, for what is distilled."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.parameters import leaf_rows, learning_rate, n_leaves, n_trees


class SoftTreesModel(Operator):
    """Gradient boosting of LightGBM that learns probabilities of classes as well as classes."""

    name = "soft_trees"
    family = Family.MODEL
    params = (
        n_trees("n_estimators", 200, IntRange(50, 1000, log=True)),
        learning_rate(0.1),
        n_leaves(63),
        leaf_rows("min_child_samples", 20, IntRange(2, 60, log=True)),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        sparse=True,
        sparse_missing=True,
        soft_labels=True,
        scale_free=True,
        seeded=True,
        order_sensitive=True,
    )
    cost = Cost(0.03, 2e-6, per_class=True, per_column_s=1e-2)
    accepts = (Branch.MATRIX,)
    libraries = ("lightgbm",)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from lightgbm import LGBMRegressor

        from mileage.operators.models._soft import SoftTrees

        fixed: dict[str, Any] = {"n_jobs": 1, "verbosity": -1, "random_state": context.seed}
        fixed |= {"deterministic": True, "force_col_wise": True}
        if context.codes:
            fixed["cat_feature"] = list(context.codes)
        if not context.is_classification:
            return LGBMRegressor(**fixed, **params)
        return SoftTrees(LGBMRegressor(objective="cross_entropy", **fixed, **params), context.n_classes)


SOFT_TREES = SoftTreesModel()
