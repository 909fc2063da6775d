"""``multinomial_nb``: naive Bayes with counts."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class MultinomialNb(Operator):
    """Naive Bayes with counts."""

    name = "multinomial_nb"
    family = Family.MODEL
    params = (Param("alpha", FloatRange(0.0, 1e6), 1.0, "smoothing", FloatRange(1e-3, 1e1, log=True), Stage.FINALIZE),)
    traits = Traits(
        row_wise=True,
        sparse=True,
        non_negative=True,
        mergeable=True,
        subtractable=True,
        weighted01=True,
        glass_box=True,
        additive=True,
    )
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import MultinomialNB

        return MultinomialNB(**params)


MULTINOMIAL_NB = MultinomialNb()
