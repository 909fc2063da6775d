"""``random_forest``: a forest of decision trees on bootstrap samples (Breiman 2001)."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Cost, Rng, Traits
from mileage.operators.late import Late
from mileage.operators.trees import Forest


class RandomForest(Forest):
    """A forest of decision trees on bootstrap samples (Breiman 2001)."""

    name = "random_forest"
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        prefix=("n_estimators",),
        scale_free=True,
        lossless_projection=True,
        seeded=True,
        fit_threads=True,
        rng=Rng.PREFIX_STABLE,
        order_sensitive=True,
    )
    late = (
        Late(
            name="n_estimators",
            claims=("RandomForestClassifier.n_estimators", "RandomForestRegressor.n_estimators"),
            gathers=("RandomForestClassifier.n_estimators", "RandomForestRegressor.n_estimators"),
        ),
    )
    cost = Cost(0.05, 7.5e-5, column_power=0.5)

    def estimators(self) -> tuple[Any, Any]:
        """Return the class for classification and the one for regression."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        return RandomForestClassifier, RandomForestRegressor


RANDOM_FOREST = RandomForest()
