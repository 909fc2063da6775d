"""``dummy``: the constant predictor: class frequencies, or the mean."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Traits


class Dummy(Operator):
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


DUMMY = Dummy()
