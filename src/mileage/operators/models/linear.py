"""``linear``: linear regression: least squares, lasso or elastic net."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class Linear(Operator):
    """Linear regression: least squares, lasso or elastic net."""

    name = "linear"
    family = Family.MODEL
    params = (
        Param(
            "penalty",
            OneOf((None, "l1", "elasticnet")),
            None,
            "kind of penalty",
            OneOf((None, "l1", "elasticnet")),
            Stage.CONTINUE,
        ),
        Param(
            "alpha",
            FloatRange(1e-9, 1e9),
            0.1,
            "strength of the penalty, of the deviations of the target",
            FloatRange(1e-4, 1.0, log=True),
            Stage.CONTINUE,
            ("penalty", ("l1", "elasticnet")),
        ),
        Param(
            "l1_ratio",
            FloatRange(0.01, 1.0),
            0.5,
            "share of l1 in elasticnet",
            None,
            Stage.CONTINUE,
            ("penalty", ("elasticnet",)),
        ),
        Param(
            "max_iter",
            IntRange(1, 1_000_000),
            2000,
            "most iterations",
            None,
            Stage.CONTINUE,
            ("penalty", ("l1", "elasticnet")),
        ),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        path=("alpha",),
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        gram_only=True,
        oracle_loss=True,
        additive=True,
    )
    cost = Cost(0.01, 5e-7)
    accepts = (Branch.MATRIX,)
    tasks = ("regression",)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.linear_model import ElasticNet, Lasso, LinearRegression
        from sklearn.preprocessing import StandardScaler

        alpha, rounds, seed = params["alpha"], params["max_iter"], context.seed
        if params["penalty"] is None:
            return LinearRegression()
        if params["penalty"] == "l1":
            inner = Lasso(alpha=alpha, max_iter=rounds, random_state=seed)
        else:
            inner = ElasticNet(alpha=alpha, l1_ratio=params["l1_ratio"], max_iter=rounds, random_state=seed)
        return TransformedTargetRegressor(inner, transformer=StandardScaler())


LINEAR = Linear()
