"""A transformer in front of learners that cannot read a column without any value."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class EmptyAsZero(TransformerMixin, BaseEstimator):
    """Fill columns that had no value in the train rows with 0; other missing values stay."""

    def fit(self, X: Any, y: Any = None) -> EmptyAsZero:
        """Remember which columns have no value."""
        del y
        self.empty_ = np.isnan(np.asarray(X, dtype=np.float64)).all(axis=0)
        return self

    def transform(self, X: Any) -> Any:
        """Return the columns, filled where that is needed."""
        return np.where(self.empty_, 0.0, X) if self.empty_.any() else X
