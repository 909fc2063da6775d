"""``gaussian_nb``: naive Bayes with normal features."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class GaussianNb(Operator):
    """Naive Bayes with normal features."""

    name = "gaussian_nb"
    family = Family.MODEL
    params = (
        Param(
            "var_smoothing",
            FloatRange(1e-15, 1.0),
            1e-9,
            "added to variances",
            FloatRange(1e-10, 1e-1, log=True),
            Stage.FINALIZE,
        ),
    )
    traits = Traits(row_wise=True, mergeable=True, subtractable=True, weighted01=True, glass_box=True, additive=True)
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB(**params)


GAUSSIAN_NB = GaussianNb()
