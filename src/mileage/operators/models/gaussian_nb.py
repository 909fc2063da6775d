"""``gaussian_nb``: naive Bayes with normal features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, named
from mileage.operators.late import Late

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class GaussianNb(FromSums, Operator):
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
    late = (Late(name="var_smoothing", claims=("GaussianNB.var_smoothing",), whole=(1e-15,)),)
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB(**params)

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model from means and squares by class."""
        import numpy as np

        seen.check_known()
        made = self.build(params, context)
        made.classes_ = np.flatnonzero(seen.rows)
        rows = seen.rows[made.classes_]
        means, squares = seen.class_means[made.classes_], seen.class_squares[made.classes_]
        made.epsilon_ = made.var_smoothing * seen.squares.max() / rows.sum()
        made.theta_, made.var_ = means, squares / rows[:, None] + made.epsilon_
        made.class_count_, made.class_prior_ = rows, rows / rows.sum()
        return named(made, seen)


GAUSSIAN_NB = GaussianNb()
