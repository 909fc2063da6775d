"""``multinomial_nb``: naive Bayes with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, named
from mileage.operators.late import Late
from mileage.operators.parameters import smoothing
from mileage.operators.together import LinearFits, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mileage.operators.sums import Seen

_LEAST_ALPHA, _ROUNDING = 1e-6, 1e-14


class MultinomialNb(FromSums, Together, Operator):
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

    together = "alpha"

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """With hardly any smoothing, the logarithm of a count that is nothing but rounding would matter."""
        del context
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

    def learn_together(self, params: Params, values: Sequence[float], context: BuildContext, seen: Seen) -> LinearFits:
        """Smooth the counts of one fit with each value; the logarithms of probabilities are linear in a row."""
        import numpy as np

        made = self.learn(params, context, seen)
        counts = made.feature_count_ + np.array(values)[:, None, None]
        logs = np.log(counts) - np.log(counts.sum(axis=2, keepdims=True))
        prior = np.tile(made.class_log_prior_, (len(values), 1))
        return LinearFits(logs.transpose(0, 2, 1), prior, "joint", made.classes_)


MULTINOMIAL_NB = MultinomialNb()
