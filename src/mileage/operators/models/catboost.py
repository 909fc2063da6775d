"""``catboost``: gradient boosting of CatBoost (Prokhorenkova et al. 2018)."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.parameters import leaf_penalty, learning_rate, n_trees


class CatBoost(Operator):
    """Gradient boosting of CatBoost (Prokhorenkova et al. 2018)."""

    name = "catboost"
    family = Family.MODEL
    params = (
        n_trees("iterations", 300, IntRange(100, 600, log=True)),
        learning_rate(0.08),
        Param("depth", IntRange(1, 16), 6, "depth of the trees", IntRange(4, 8), Stage.CONTINUE),
        leaf_penalty("l2_leaf_reg", 3.0, 1.0),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        sparse=True,
        prefix=("iterations",),
        monotone_capable=True,
        scale_free=True,
        seeded=True,
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    cost = Cost(0.2, 2.1e-6, per_class=True, per_column_s=0.034)
    accepts = (Branch.MATRIX,)
    extra = "catboost"

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from mileage.operators.extras import need

        catboost = need("catboost", "catboost")
        made = catboost.CatBoostClassifier if context.is_classification else catboost.CatBoostRegressor
        return made(thread_count=1, random_seed=context.seed, verbose=0, allow_writing_files=False, **params)


CATBOOST = CatBoost()
