"""``multinomial_nb``: naive Bayes with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, named
from mileage.operators.late import Late
from mileage.operators.parameters import smoothing

if TYPE_CHECKING:
    from mileage.operators.sums import Seen

_LEAST_ALPHA, _ROUNDING = 1e-6, 1e-14


class MultinomialNb(FromSums, Operator):
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
    late = (Late(name="alpha", claims=("MultinomialNB.alpha",), whole=(1.0,)),)
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import MultinomialNB

        return MultinomialNB(**params)

    def can_learn(self, params: Params) -> bool:
        """With hardly any smoothing, the logarithm of a count that is nothing but rounding would matter."""
        return float(str(params["alpha"])) >= _LEAST_ALPHA

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model from sums by class."""
        import numpy as np

        seen.check_known()
        made = self.build(params, context)
        made.classes_ = np.flatnonzero(seen.rows)
        made.class_count_ = seen.rows[made.classes_]
        counts = made.class_count_[:, None] * seen.class_means[made.classes_]
        made.feature_count_ = np.where(counts > counts.max(initial=0.0) * _ROUNDING, counts, 0.0)
        made._update_feature_log_prob(made.alpha)
        made._update_class_log_prior()
        return named(made, seen)


MULTINOMIAL_NB = MultinomialNb()
