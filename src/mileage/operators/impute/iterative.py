"""``iterative``: missing numbers by regression on the other columns."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits


class Iterative(Operator):
    """Model each column with missing values on the others, in rounds (MICE; van Buuren & Groothuis-Oudshoorn 2011)."""

    name = "iterative"
    family = Family.IMPUTE
    params = (Param("max_iter", IntRange(1, 100), 5, "rounds", IntRange(2, 10), Stage.CONTINUE),)
    traits = Traits(row_wise=True, native_missing=True, seeded=True, rng=Rng.IN_ORDER)
    cost = Cost(0.05, 1e-6)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's IterativeImputer behind a small function."""
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401
        from sklearn.impute import IterativeImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators.glue import as_matrix

        imputer = IterativeImputer(
            max_iter=params["max_iter"],
            tol=1e-2,
            random_state=context.seed,
            keep_empty_features=True,
            n_nearest_features=20,
        )
        return make_pipeline(FunctionTransformer(as_matrix), imputer)


ITERATIVE = Iterative()
