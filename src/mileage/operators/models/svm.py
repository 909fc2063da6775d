"""``svm``: support vector machine with a Gaussian kernel."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.parameters import inverse_penalty


class Svm(Operator):
    """Support vector machine with a Gaussian kernel."""

    name = "svm"
    family = Family.MODEL
    params = (
        inverse_penalty(0.1, 100.0),
        Param(
            "gamma",
            AnyOf((OneOf(("scale", "auto")), FloatRange(1e-9, 1e9))),
            "scale",
            "width of the kernel",
            FloatRange(1e-3, 1.0, log=True),
            Stage.CONTINUE,
        ),
    )
    traits = Traits(row_wise=True, sparse=True, seeded=True, margins=True)
    cost = Cost(0.003, 2e-9, 2.0)
    accepts = (Branch.MATRIX,)
    aliases = ("svc", "svr")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC, SVR

        if context.is_classification:
            return SVC(C=params["C"], gamma=params["gamma"], cache_size=500, random_state=context.seed)
        return TransformedTargetRegressor(
            SVR(C=params["C"], gamma=params["gamma"], cache_size=500), transformer=StandardScaler()
        )


SVM = Svm()
