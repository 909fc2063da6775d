"""``clip_tails``: numbers are held between two quantiles of their column."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from mileage.core.domains import FloatRange
from mileage.operators import BuildContext, Family, Operator, Param, Params, Traits


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Hold the values of each column between its ``share`` and ``1 - share`` quantiles; missing ones stay missing."""

    def __init__(self, share: float = 0.01) -> None:
        self.share = share

    def fit(self, X: Any, y: Any = None) -> "QuantileClipper":
        """Learn the quantiles."""
        values = np.asarray(X, dtype=float)
        self.n_features_in_ = values.shape[1]
        self.low_, self.high_ = np.nanquantile(values, [self.share, 1 - self.share], axis=0)
        return self

    def transform(self, X: Any) -> Any:
        """Return the values within the quantiles."""
        return np.clip(np.asarray(X, dtype=float), self.low_, self.high_)


class ClipTails(Operator):
    """Hold each number between two quantiles of its column."""

    name = "clip_tails"
    family = Family.SCALE
    params = (Param("share", FloatRange(0.0, 0.25), 0.01, "share cut on each side", search=FloatRange(0.001, 0.1)),)
    traits = Traits(row_wise=True, columnwise=True, native_missing=True)
    libraries = ("mile-extras",)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return an unfitted estimator with scikit-learn's contract."""
        return QuantileClipper(share=params["share"])


CLIP_TAILS = ClipTails()
