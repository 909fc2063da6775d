"""``lightgbm``: gradient boosting of LightGBM (Ke et al. 2017)."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits


class LightGbm(Operator):
    """Gradient boosting of LightGBM (Ke et al. 2017)."""

    name = "lightgbm"
    family = Family.MODEL
    params = (
        Param("n_estimators", IntRange(1, 100_000), 100, "trees", IntRange(50, 600, log=True), Stage.RESTRICT),
        Param(
            "learning_rate",
            FloatRange(1e-6, 10.0),
            0.1,
            "step of each tree",
            FloatRange(0.01, 0.3, log=True),
            Stage.CONTINUE,
        ),
        Param(
            "num_leaves", IntRange(2, 100_000), 31, "most leaves of a tree", IntRange(4, 128, log=True), Stage.CONTINUE
        ),
        Param("max_depth", IntRange(-1, 1000), -1, "deepest tree, -1 for any", None, Stage.CONTINUE),
        Param(
            "min_child_samples",
            IntRange(1, 1_000_000),
            20,
            "fewest rows of a leaf",
            IntRange(2, 60, log=True),
            Stage.CONTINUE,
        ),
        Param(
            "colsample_bytree",
            FloatRange(0.001, 1.0),
            1.0,
            "share of columns for a tree",
            FloatRange(0.3, 1.0),
            Stage.CONTINUE,
        ),
        Param(
            "subsample", FloatRange(0.001, 1.0), 1.0, "share of rows for a tree", FloatRange(0.5, 1.0), Stage.CONTINUE
        ),
        Param(
            "reg_alpha",
            FloatRange(0.0, 1e6),
            0.0,
            "l1 penalty on leaves",
            FloatRange(1e-3, 10.0, log=True),
            Stage.CONTINUE,
        ),
        Param(
            "reg_lambda",
            FloatRange(0.0, 1e6),
            0.0,
            "l2 penalty on leaves",
            FloatRange(1e-3, 10.0, log=True),
            Stage.CONTINUE,
        ),
        Param("class_weight", OneOf((None, "balanced")), None, "weights of classes", None, Stage.CONTINUE),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        sparse=True,
        prefix=("n_estimators",),
        bins_once=True,
        monotone_capable=True,
        scale_free=True,
        seeded=True,
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    cost = Cost(0.06, 3e-6)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from lightgbm import LGBMClassifier, LGBMRegressor

        given = dict(params)
        weight = given.pop("class_weight")
        fixed: dict[str, Any] = {"n_jobs": 1, "verbosity": -1, "random_state": context.seed, "subsample_freq": 1}
        fixed |= {"deterministic": True, "force_col_wise": True}
        if context.codes:
            # The name ``categorical_feature`` works here too, but with a warning; this alias works without.
            fixed["cat_feature"] = list(context.codes)
        if context.is_classification:
            return LGBMClassifier(class_weight=weight, **fixed, **given)
        return LGBMRegressor(**fixed, **given)


LIGHTGBM = LightGbm()
