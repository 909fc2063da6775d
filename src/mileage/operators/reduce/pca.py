"""``pca``: principal components."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.late import Late

_MOST, _LARGEST_SHARE = 100_000, 0.999


class Pca(Operator):
    """Turn the matrix to its principal components and keep the first ones (Pearson 1901).

    All components are fitted and the first ones kept, so that a number larger than there are is no mistake.
    """

    name = "pca"
    family = Family.REDUCE
    params = (
        Param(
            "n_components",
            AnyOf((FloatRange(0.01, _LARGEST_SHARE), IntRange(1, _MOST))),
            0.95,
            "share of the variance, or number of components",
            FloatRange(0.5, 0.99),
            Stage.RESTRICT,
        ),
    )
    traits = Traits(row_wise=True, prefix=("n_components",), seeded=True, mergeable=True, negative=True, gram_only=True)
    late = (
        Late(
            name="n_components",
            claims=("PCA.n_components", "FunctionTransformer.kw_args"),
            whole=(_MOST, _LARGEST_SHARE),
        ),
    )
    cost = Cost(0.01, 2e-7)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's PCA."""
        from sklearn.decomposition import PCA

        n = params["n_components"]
        if isinstance(n, float):
            return PCA(n_components=n, random_state=context.seed)
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators.glue import first_columns

        return make_pipeline(PCA(random_state=context.seed), FunctionTransformer(first_columns, kw_args={"n": n}))


PCA_OPERATOR = Pca()
