"""A classifier that learns probabilities of classes as well as classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone


class SoftTrees(ClassifierMixin, BaseEstimator):
    """One model of LightGBM a class that minimises the cross-entropy to the probabilities it is given; of two classes one for both.

    Parameters
    ----------
    model : LGBMRegressor
        With the objective ``cross_entropy``.
    n_classes : int
        Classes are the codes below it.
    """

    def __init__(self, model: Any, n_classes: int) -> None:
        self.model = model
        self.n_classes = n_classes

    def fit(self, X: Any, y: Any) -> SoftTrees:
        """Fit on class codes, shape (n_rows,), or on their probabilities, shape (n_rows, n_classes)."""
        given = np.asarray(y)
        soft = np.eye(max(self.n_classes, int(given.max()) + 1))[given.astype(int)] if given.ndim == 1 else given
        self.classes_ = np.arange(soft.shape[1])
        told = [1] if soft.shape[1] == 2 else self.classes_.tolist()
        self.models_ = [clone(self.model).fit(X, np.clip(soft[:, k], 0.0, 1.0)) for k in told]
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities, shape (n_rows, n_classes)."""
        told = np.column_stack([model.booster_.predict(X) for model in self.models_])
        if len(self.models_) == 1:
            return np.column_stack([1.0 - told[:, 0], told[:, 0]])
        return told / told.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Any:
        """Return class codes, shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
