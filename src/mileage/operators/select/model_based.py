"""``model_based``: columns that trees use."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Params, Rng, Traits


class ModelBased(Operator):
    """Keep the columns that a small forest finds more important than the average."""

    name = "model_based"
    family = Family.SELECT
    traits = Traits(row_wise=True, reads_y=True, seeded=True, sparse=True, rng=Rng.IN_ORDER)
    cost = Cost(0.1, 1e-6)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SelectFromModel on extra trees."""
        del params
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
        from sklearn.feature_selection import SelectFromModel

        trees = ExtraTreesClassifier if context.is_classification else ExtraTreesRegressor
        return SelectFromModel(trees(n_estimators=50, max_depth=12, random_state=context.seed))


MODEL_BASED = ModelBased()
