"""``bernoulli_nb``: naive Bayes with 0/1 features."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.late import Late
from mileage.operators.parameters import smoothing


class BernoulliNb(Operator):
    """Naive Bayes with 0/1 features."""

    name = "bernoulli_nb"
    family = Family.MODEL
    params = (smoothing(),)
    traits = Traits(
        row_wise=True, sparse=True, mergeable=True, subtractable=True, weighted01=True, glass_box=True, additive=True
    )
    late = (Late(name="alpha", claims=("BernoulliNB.alpha",), whole=(1.0,)),)
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import BernoulliNB

        return BernoulliNB(**params)


BERNOULLI_NB = BernoulliNb()
