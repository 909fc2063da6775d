"""``svm_linear``: linear support vector machine."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.parameters import inverse_penalty


class SvmLinear(Operator):
    """Linear support vector machine."""

    name = "svm_linear"
    family = Family.MODEL
    params = (inverse_penalty(1e-3, 1e2),)
    traits = Traits(
        row_wise=True,
        sparse=True,
        sparse_pays=True,
        weighted01=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        oracle_loss=True,
        additive=True,
        margins=True,
    )
    cost = Cost(0.003, 4e-7)
    accepts = (Branch.MATRIX,)
    aliases = ("linear_svm",)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.svm import LinearSVC, LinearSVR

        made = LinearSVC if context.is_classification else LinearSVR
        return made(C=params["C"], dual="auto", max_iter=5000, random_state=context.seed)


SVM_LINEAR = SvmLinear()
