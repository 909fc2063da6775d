"""``logistic``: logistic regression with a penalty."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.parameters import inverse_penalty


class Logistic(Operator):
    """Logistic regression with a penalty."""

    name = "logistic"
    family = Family.MODEL
    params = (
        inverse_penalty(1e-3, 1e2, when=("penalty", ("l2", "l1", "elasticnet"))),
        Param(
            "penalty",
            OneOf(("l2", "l1", "elasticnet", None)),
            "l2",
            "kind of penalty",
            OneOf(("l2", "l1")),
            Stage.CONTINUE,
        ),
        Param(
            "l1_ratio",
            FloatRange(0.0, 1.0),
            0.5,
            "share of l1 in elasticnet",
            None,
            Stage.CONTINUE,
            ("penalty", ("elasticnet",)),
        ),
        Param("max_iter", IntRange(1, 1_000_000), 300, "most iterations", None, Stage.CONTINUE),
        Param("class_weight", OneOf((None, "balanced")), None, "weights of classes", None, Stage.CONTINUE),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        sparse_pays=True,
        path=("C",),
        weighted01=True,
        fusable=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        oracle_loss=True,
        additive=True,
    )
    cost = Cost(0.006, 4e-7, per_class=True)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        penalty = params["penalty"]
        ratio = params["l1_ratio"] if penalty == "elasticnet" else float(penalty == "l1")
        solver = "lbfgs" if ratio == 0 else "liblinear" if penalty == "l1" and context.n_classes <= 2 else "saga"
        return LogisticRegression(
            C=np.inf if penalty is None else params["C"],
            l1_ratio=ratio,
            solver=solver,
            max_iter=params["max_iter"],
            class_weight=params["class_weight"],
            random_state=context.seed,
        )


LOGISTIC = Logistic()
