"""``extra_trees``: a forest of trees with random cuts (Geurts et al. 2006)."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.criteria import check_criterion


class ExtraTrees(Operator):
    """A forest of trees with random cuts (Geurts et al. 2006)."""

    name = "extra_trees"
    family = Family.MODEL
    params = (
        Param("n_estimators", IntRange(1, 100_000), 100, "trees", IntRange(50, 400, log=True), Stage.RESTRICT),
        Param("max_depth", AnyOf((OneOf((None,)), IntRange(1, 1000))), None, "deepest tree", None, Stage.CONTINUE),
        Param(
            "min_samples_leaf",
            IntRange(1, 1_000_000),
            1,
            "fewest rows of a leaf",
            IntRange(1, 20, log=True),
            Stage.CONTINUE,
        ),
        Param(
            "criterion",
            OneOf((None, "gini", "entropy", "log_loss", "squared_error", "absolute_error", "poisson")),
            None,
            "quality of a cut",
            None,
            Stage.CONTINUE,
        ),
        Param(
            "max_features",
            AnyOf((OneOf(("default", "sqrt", "log2", None)), FloatRange(0.001, 1.0))),
            "default",
            "columns tried at a cut",
            FloatRange(0.1, 1.0),
            Stage.CONTINUE,
        ),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        prefix=("n_estimators",),
        weighted01=True,
        scale_free=True,
        lossless_projection=True,
        seeded=True,
        rng=Rng.PREFIX_STABLE,
    )
    cost = Cost(0.1, 7e-6)
    accepts = (Branch.MATRIX,)

    def check(self, params: Params, task: str) -> None:
        """Refuse a criterion of the other kind of task."""
        check_criterion(self.name, params["criterion"], task)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        made = ExtraTreesClassifier if context.is_classification else ExtraTreesRegressor
        self.check(params, context.task)
        given = {k: v for k, v in params.items() if k != "criterion" or v is not None}
        if given["max_features"] == "default":
            given["max_features"] = "sqrt" if context.is_classification else 1.0
        return made(n_jobs=1, random_state=context.seed, **given)


EXTRA_TREES = ExtraTrees()
