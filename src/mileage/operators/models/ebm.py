"""``ebm``: explainable boosting machine: additive shape functions (Nori et al. 2019)."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Traits


class Ebm(Operator):
    """Explainable boosting machine: additive shape functions (Nori et al. 2019)."""

    name = "ebm"
    family = Family.MODEL
    params = (
        Param("interactions", IntRange(0, 100), 5, "pairs of columns that may act together", IntRange(0, 15)),
        Param("learning_rate", FloatRange(1e-6, 10.0), 0.015, "step of each round", FloatRange(0.005, 0.05, log=True)),
        Param("max_bins", IntRange(2, 65_536), 1024, "bins of a column"),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        bins_once=True,
        monotone_capable=True,
        glass_box=True,
        seeded=True,
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    cost = Cost(1.0, 1e-4)
    accepts = (Branch.MATRIX,)
    extra = "ebm"

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from mileage.operators.extras import need

        glassbox = need("interpret.glassbox", "ebm")
        made = (
            glassbox.ExplainableBoostingClassifier
            if context.is_classification
            else glassbox.ExplainableBoostingRegressor
        )
        return made(n_jobs=1, random_state=context.seed, **params)


EBM = Ebm()
