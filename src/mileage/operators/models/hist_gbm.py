"""``hist_gbm``: gradient boosting on binned columns, of scikit-learn."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits


class HistGbm(Operator):
    """Gradient boosting on binned columns, of scikit-learn."""

    name = "hist_gbm"
    family = Family.MODEL
    params = (
        Param(
            "learning_rate",
            FloatRange(1e-6, 10.0),
            0.1,
            "step of each tree",
            FloatRange(0.01, 0.3, log=True),
            Stage.CONTINUE,
        ),
        Param("max_iter", IntRange(1, 100_000), 100, "trees", IntRange(50, 400, log=True), Stage.RESTRICT),
        Param(
            "max_leaf_nodes",
            AnyOf((OneOf((None,)), IntRange(2, 10_000))),
            31,
            "most leaves of a tree",
            IntRange(4, 64, log=True),
            Stage.CONTINUE,
        ),
        Param("max_depth", AnyOf((OneOf((None,)), IntRange(1, 1000))), None, "deepest tree", None, Stage.CONTINUE),
        Param(
            "min_samples_leaf",
            IntRange(1, 1_000_000),
            20,
            "fewest rows of a leaf",
            IntRange(5, 60, log=True),
            Stage.CONTINUE,
        ),
        Param(
            "l2_regularization",
            FloatRange(0.0, 1e6),
            0.0,
            "penalty on leaves",
            FloatRange(1e-3, 10.0, log=True),
            Stage.CONTINUE,
        ),
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
    cost = Cost(0.15, 4e-6)
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
