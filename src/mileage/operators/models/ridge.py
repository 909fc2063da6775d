"""``ridge``: linear model with a squared penalty."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class Ridge(Operator):
    """Linear model with a squared penalty."""

    name = "ridge"
    family = Family.MODEL
    params = (
        Param(
            "alpha",
            FloatRange(0.0, 1e12),
            1.0,
            "strength of the penalty",
            FloatRange(1e-3, 1e3, log=True),
            Stage.FINALIZE,
        ),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        mergeable=True,
        subtractable=True,
        path=("alpha",),
        weighted01=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        gram_only=True,
        oracle_loss=True,
        additive=True,
    )
    cost = Cost(0.005, 1e-7)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.linear_model import Ridge, RidgeClassifier

        made = RidgeClassifier if context.is_classification else Ridge
        return made(alpha=params["alpha"], random_state=context.seed)


RIDGE = Ridge()
