"""``dummy``: the constant predictor: class frequencies, or the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, named

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Dummy(FromSums, Operator):
    """The constant predictor: class frequencies, or the mean."""

    name = "dummy"
    family = Family.MODEL
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        sparse_missing=True,
        mergeable=True,
        subtractable=True,
        glass_box=True,
    )
    cost = Cost(0.001, 0.0)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del params
        from sklearn.dummy import DummyClassifier, DummyRegressor

        return DummyClassifier(strategy="prior") if context.is_classification else DummyRegressor(strategy="mean")

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model, fitted on a row of each class with its number of rows as weight, or on the mean."""
        import numpy as np

        made = self.build(params, context)
        if not context.is_classification:
            return named(made.fit(np.zeros((1, 1)), [seen.target_mean]), seen)
        classes = np.flatnonzero(seen.rows)
        made.fit(np.zeros((len(classes), 1)), classes, sample_weight=seen.rows[classes])
        return named(made, seen)


DUMMY = Dummy()
