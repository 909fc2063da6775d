"""``multinomial_nb``: naive Bayes with counts."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.parameters import smoothing


class MultinomialNb(Operator):
    """Naive Bayes with counts."""

    name = "multinomial_nb"
    family = Family.MODEL
    params = (smoothing(),)
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
