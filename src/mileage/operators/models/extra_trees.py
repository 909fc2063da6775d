"""``extra_trees``: a forest of trees with random cuts (Geurts et al. 2006)."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Cost, Rng, Traits
from mileage.operators.late import Late
from mileage.operators.trees import Forest


class ExtraTrees(Forest):
    """A forest of trees with random cuts (Geurts et al. 2006)."""

    name = "extra_trees"
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        prefix=("n_estimators",),
        weighted01=True,
        scale_free=True,
        lossless_projection=True,
        seeded=True,
        fit_threads=True,
        rng=Rng.PREFIX_STABLE,
    )
    late = (
        Late(
            name="n_estimators",
            claims=("ExtraTreesClassifier.n_estimators", "ExtraTreesRegressor.n_estimators"),
            gathers=("ExtraTreesClassifier.n_estimators", "ExtraTreesRegressor.n_estimators"),
        ),
    )
    cost = Cost(0.1, 2.3e-5, column_power=0.5)

    def estimators(self) -> tuple[Any, Any]:
        """Return the class for classification and the one for regression."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        return ExtraTreesClassifier, ExtraTreesRegressor


EXTRA_TREES = ExtraTrees()
