"""``xgboost``: gradient boosting of XGBoost (Chen & Guestrin 2016)."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.parameters import column_share, leaf_penalty, learning_rate, n_trees, row_share


class XgBoost(Operator):
    """Gradient boosting of XGBoost (Chen & Guestrin 2016)."""

    name = "xgboost"
    family = Family.MODEL
    params = (
        n_trees("n_estimators", 100, IntRange(50, 600, log=True)),
        learning_rate(0.3),
        Param("max_depth", IntRange(0, 1000), 6, "deepest tree", IntRange(3, 10), Stage.CONTINUE),
        Param(
            "min_child_weight",
            FloatRange(0.0, 1e6),
            1.0,
            "least weight of a leaf",
            FloatRange(0.5, 20.0, log=True),
            Stage.CONTINUE,
        ),
        row_share(),
        column_share(),
        leaf_penalty("reg_lambda", 1.0, 1e-2, "l2 penalty on leaves"),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        prefix=("n_estimators",),
        bins_once=True,
        monotone_capable=True,
        scale_free=True,
        seeded=True,
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    cost = Cost(0.03, 8e-7, per_class=True)
    accepts = (Branch.MATRIX,)
    extra = "xgboost"

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from mileage.operators.extras import need

        xgboost = need("xgboost", "xgboost")
        made = xgboost.XGBClassifier if context.is_classification else xgboost.XGBRegressor
        return made(n_jobs=1, random_state=context.seed, verbosity=0, **params)


XGBOOST = XgBoost()
