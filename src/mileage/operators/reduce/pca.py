"""``pca``: principal components."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from mileage.core.domains import AnyOf, FloatRange, IntRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, Linear, named
from mileage.operators.late import Late

if TYPE_CHECKING:
    from mileage.operators.sums import Seen

_MOST, _LARGEST_SHARE = 100_000, 0.999


class Pca(FromSums, Linear, Operator):
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
            gathers=("PCA.n_components",),
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

    def trimmed(self, fitted: Any) -> Any:
        """Leave components out whose columns are not kept: what is applied is a product with the others alone."""
        if not hasattr(fitted, "steps"):
            return fitted
        from mileage.traits.restrict import first_components

        made = copy(fitted)
        (name, pca), (last, columns) = fitted.steps
        kept = min(columns.kw_args["n"], len(pca.components_))
        made.steps = [(name, first_components(pca, kept)), (last, columns)]
        return made

    products = True
    mixes = True

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """On few rows the components that these do not tell are whatever rounding leaves."""
        del params
        return context.n_rows > 2 * context.n_columns

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the components from the products of columns: the eigenvectors of the covariance."""
        seen.check_known()
        made = self.build(params, context)
        _decompose(made[0] if hasattr(made, "steps") else made, seen)
        if hasattr(made, "steps"):
            made[1].fit(made[0].components_[:1])
        return made

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Columns are turned, and the first ones kept."""
        pca = fitted[0] if hasattr(fitted, "steps") else fitted
        n = fitted[1].kw_args["n"] if hasattr(fitted, "steps") else len(pca.components_)
        return seen.turned(pca.components_[:n].T, pca.mean_)


def _decompose(pca: Any, seen: Seen) -> None:
    """Let a PCA know what fitting it would tell, signs as scikit-learn chooses them."""
    import numpy as np

    n_rows = round(seen.sums.n)
    values, vectors = np.linalg.eigh(seen.products / (n_rows - 1))
    values, axes = np.maximum(values[::-1], 0.0), vectors[:, ::-1].T
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    ratio, share = values / values.sum(), pca.n_components
    kept = len(values) if share is None else int(np.searchsorted(np.cumsum(ratio), share, side="right")) + 1
    pca.mean_, pca.n_samples_, pca.n_components_ = seen.mean, n_rows, kept
    pca.components_, pca.explained_variance_ = axes[:kept], values[:kept]
    pca.explained_variance_ratio_ = ratio[:kept]
    pca.singular_values_ = np.sqrt(values[:kept] * (n_rows - 1))
    pca.noise_variance_ = float(values[kept:].mean()) if kept < len(values) else 0.0
    pca._fit_svd_solver = "covariance_eigh"
    named(pca, seen)


PCA_OPERATOR = Pca()
