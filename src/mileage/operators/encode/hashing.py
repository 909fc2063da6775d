"""``hashing``: hashes of categories in a fixed number of columns."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Traits


class Hashing(Operator):
    """Hash column and category into a fixed number of columns; needs no memory of categories (Weinberger et al. 2009)."""

    name = "hashing"
    family = Family.ENCODE
    params = (Param("n_features", IntRange(2, 65_536), 256, "output columns", IntRange(32, 2048, log=True)),)
    traits = Traits(row_wise=True, stateless=True, native_missing=True, negative=True)
    accepts = (Branch.CATEGORICAL,)
    emits = Branch.INDICATOR

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's FeatureHasher behind a small function."""
        del context
        from sklearn.feature_extraction import FeatureHasher
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators.glue import filled

        return make_pipeline(FunctionTransformer(filled), FeatureHasher(params["n_features"], input_type="string"))


HASHING = Hashing()
