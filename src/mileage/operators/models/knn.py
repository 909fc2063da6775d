"""``knn``: the nearest rows."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange, OneOf, whole_number
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.late import Late


class Knn(Operator):
    """The nearest rows."""

    name = "knn"
    family = Family.MODEL
    params = (
        Param("n_neighbors", IntRange(1, 10_000), 5, "rows to ask", IntRange(1, 50, log=True), Stage.PREDICT),
        Param(
            "weights",
            OneOf(("uniform", "distance")),
            "uniform",
            "whether nearer rows count more",
            OneOf(("uniform", "distance")),
            Stage.PREDICT,
        ),
    )
    traits = Traits(row_wise=True, sparse=True, prefix=("n_neighbors",), mergeable=True)
    late = (
        Late(
            name="n_neighbors",
            claims=("KNeighborsClassifier.n_neighbors", "KNeighborsRegressor.n_neighbors"),
            whole=(5,),
            gathers=("KNeighborsClassifier.n_neighbors", "KNeighborsRegressor.n_neighbors"),
        ),
        Late(
            name="weights", claims=("KNeighborsClassifier.weights", "KNeighborsRegressor.weights"), whole=("uniform",)
        ),
    )
    cost = Cost(0.005, 3e-8, 1.5)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        made = KNeighborsClassifier if context.is_classification else KNeighborsRegressor
        n = max(1, min(whole_number(params["n_neighbors"]), context.n_rows // 2))
        return made(n_neighbors=n, weights=params["weights"])


KNN = Knn()
