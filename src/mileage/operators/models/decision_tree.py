"""``decision_tree``: one decision tree."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.criteria import check_criterion


class DecisionTree(Operator):
    """One decision tree."""

    name = "decision_tree"
    family = Family.MODEL
    params = (
        Param(
            "max_depth",
            AnyOf((OneOf((None,)), IntRange(1, 1000))),
            None,
            "deepest tree",
            IntRange(2, 16),
            Stage.CONTINUE,
        ),
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
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        weighted01=True,
        scale_free=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        truncates=("max_depth",),
    )
    cost = Cost(0.003, 1.1e-6)
    accepts = (Branch.MATRIX,)

    def check(self, params: Params, task: str) -> None:
        """Refuse a criterion of the other kind of task."""
        check_criterion(self.name, params["criterion"], task)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        made = DecisionTreeClassifier if context.is_classification else DecisionTreeRegressor
        self.check(params, context.task)
        given = {k: v for k, v in params.items() if k != "criterion" or v is not None}
        return made(random_state=context.seed, **given)


DECISION_TREE = DecisionTree()
