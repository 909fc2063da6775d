"""``decision_tree``: one decision tree."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange
from mileage.operators.base import Cost, Param, Stage, Traits
from mileage.operators.late import Late
from mileage.operators.parameters import leaf_rows, tree_depth
from mileage.operators.trees import CRITERION, TreeModel


class DecisionTree(TreeModel):
    """One decision tree."""

    name = "decision_tree"
    params = (
        tree_depth(IntRange(2, 16)),
        leaf_rows("min_samples_leaf", 1, IntRange(1, 20, log=True)),
        Param("min_samples_split", IntRange(2, 1_000_000), 2, "fewest rows that are cut", None, Stage.CONTINUE),
        CRITERION,
        Param("ccp_alpha", FloatRange(0.0, 1e9), 0.0, "impurity that a leaf must be worth", None, Stage.RESTRICT),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        sparse=True,
        weighted01=True,
        scale_free=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
    )
    late = (
        Late(
            name="ccp_alpha",
            claims=("DecisionTreeClassifier.ccp_alpha", "DecisionTreeRegressor.ccp_alpha"),
            whole=(0.0,),
        ),
    )
    cost = Cost(0.003, 1.1e-6)

    def estimators(self) -> tuple[Any, Any]:
        """Return the class for classification and the one for regression."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        return DecisionTreeClassifier, DecisionTreeRegressor


DECISION_TREE = DecisionTree()
