"""Transformers that stand in for scikit-learn's where a branch was fitted in blocks, or may have no columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import _safe_indexing

from mileage.workflow.flow.stack import side_by_side


class ColumnBlocks(TransformerMixin, BaseEstimator):
    """Fitted transformers of neighboring columns, side by side: they do what one fitted on all of the columns would do.

    Attributes that have one entry a column, such as ``mean_`` or ``categories_``, are those of the parts in a row.
    """

    def __init__(self, parts: Sequence[Any] = ()) -> None:
        self.parts = parts

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit each part on its columns again."""
        self.parts = tuple(clone(part).fit(block, y) for part, block in zip(self.parts, self._blocks(X), strict=True))
        return self

    def transform(self, X: Any) -> Any:
        """Return what the parts give, side by side."""
        return side_by_side([part.transform(block) for part, block in zip(self.parts, self._blocks(X), strict=True)])

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the output columns."""
        at, names = 0, []
        for part in self.parts:
            given = None if input_features is None else input_features[at : at + part.n_features_in_]
            names.append(part.get_feature_names_out(given))
            at += part.n_features_in_
        return np.concatenate(names)

    def _blocks(self, X: Any) -> list[Any]:
        ends = np.cumsum([part.n_features_in_ for part in self.parts])
        return [_safe_indexing(X, slice(a, b), axis=1) for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not name.endswith("_") or name == "parts":
            raise AttributeError(name)
        found = [getattr(part, name) for part in self.parts]
        if name == "n_features_in_":
            return sum(found)
        if all(isinstance(one, list) for one in found):
            return [item for one in found for item in one]
        widths = [part.n_features_in_ for part in self.parts]
        if all(isinstance(one, np.ndarray) and one.shape[-1:] == (n,) for one, n in zip(found, widths, strict=True)):
            return np.concatenate(found, axis=-1)
        raise AttributeError(f"{name} is of each block: parts[0].{name}")


class MaybeEmpty(TransformerMixin, BaseEstimator):
    """A transformer of a branch whose columns are known when it runs: of no columns it makes none."""

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the transformer, if there are columns."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit the transformer, if there are columns, and return what it makes of them."""
        self.fitted_ = clone(self.estimator)
        if X is None:
            return None
        if hasattr(self.fitted_, "fit_transform"):
            return self.fitted_.fit_transform(X, y)
        return self.fitted_.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        """Return what the transformer makes of the columns."""
        return None if X is None else self.fitted_.transform(X)


class SparseBlocks(sparse.coo_array):
    """Sparse matrices that will stand side by side: their shape, and how many entries they have."""

    entries = 0

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return self.entries
