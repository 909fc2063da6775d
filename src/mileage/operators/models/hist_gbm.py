"""``hist_gbm``: gradient boosting on binned columns, of scikit-learn."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.late import Late
from mileage.operators.parameters import leaf_penalty, leaf_rows, learning_rate, n_trees, tree_depth


class HistGbm(Operator):
    """Gradient boosting on binned columns, of scikit-learn."""

    name = "hist_gbm"
    family = Family.MODEL
    params = (
        learning_rate(0.1),
        n_trees("max_iter", 100, IntRange(50, 400, log=True)),
        Param(
            "max_leaf_nodes",
            AnyOf((OneOf((None,)), IntRange(2, 10_000))),
            31,
            "most leaves of a tree",
            IntRange(4, 64, log=True),
            Stage.CONTINUE,
        ),
        tree_depth(None),
        leaf_rows("min_samples_leaf", 20, IntRange(5, 60, log=True)),
        leaf_penalty("l2_regularization", 0.0, 1e-3),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        prefix=("max_iter",),
        bins_once=True,
        monotone_capable=True,
        scale_free=True,
        seeded=True,
        rng=Rng.IN_ORDER,
    )
    late = (
        Late(
            name="max_iter",
            claims=("HistGradientBoostingClassifier.max_iter", "HistGradientBoostingRegressor.max_iter"),
        ),
    )
    cost = Cost(0.08, 1.2e-6, per_class=True)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
        from sklearn.pipeline import make_pipeline

        from mileage.operators.models._empty import EmptyAsZero

        made = HistGradientBoostingClassifier if context.is_classification else HistGradientBoostingRegressor
        codes = list(context.codes) or None
        model = made(early_stopping=False, categorical_features=codes, random_state=context.seed, **params)
        return make_pipeline(EmptyAsZero(), model)  # scikit-learn 1.9 cannot bin a column without any value


HIST_GBM = HistGbm()
