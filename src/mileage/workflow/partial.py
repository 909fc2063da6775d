"""A fitted step that is given some of its input columns only: those its wanted outputs come from.

Steps that hold one entry for each column are cut down to the kept ones. Others are given columns of zeros in the place of
those that are left out, which :mod:`mileage.workflow.projection` has shown not to matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from mileage.workflow.projection import law_of, reads_of, without_names

_PER_COLUMN = {
    "SimpleImputer": ("statistics_",),
    "StandardScaler": ("mean_", "var_", "scale_", "n_samples_seen_"),
    "RobustScaler": ("center_", "scale_"),
    "MinMaxScaler": ("scale_", "min_", "data_min_", "data_max_", "data_range_"),
    "QuantileTransformer": ("quantiles_",),
    "OneHotEncoder": ("categories_", "_infrequent_indices", "_default_to_infrequent_mappings", "_n_features_outs"),
    "OrdinalEncoder": ("categories_", "_infrequent_indices", "_default_to_infrequent_mappings"),
}
_LINEAR = frozenset({"LogisticRegression", "LinearRegression", "Ridge", "RidgeClassifier", "Lasso", "ElasticNet",
                     "LinearSVC", "LinearSVR"})  # fmt: skip


def partial_step(state: Any, kept: Sequence[int]) -> Any:
    """Return a fitted step that reads the ``kept`` input columns, in that order.

    A transformer gives the outputs that come from them alone (:meth:`mileage.workflow.projection.Law.outputs_of`); a model
    predicts what it would with all columns.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.array([[0.0, 5.0], [2.0, 9.0]])
    >>> partial_step(StandardScaler().fit(X), [1]).transform(X[:, [1]]).ravel()
    array([-1.,  1.])
    """
    name = type(state).__name__
    if name in _PER_COLUMN and getattr(state, "indicator_", None) is None and getattr(state, "drop_idx_", None) is None:
        return _cut(state, list(kept))
    if name in _LINEAR:
        made = without_names(state)
        made.coef_ = state.coef_[..., list(kept)]
        made.n_features_in_ = len(kept)
        return made
    if name == "TransformedTargetRegressor":
        made = copy(state)
        made.regressor_ = partial_step(state.regressor_, kept)
        return made
    if name == "FunctionTransformer":
        return without_names(state)
    return Padded(state, tuple(kept))


def _cut(state: Any, kept: list[int]) -> Any:
    made = copy(state)
    if hasattr(state, "feature_names_in_"):
        made.feature_names_in_ = state.feature_names_in_[kept]
    for name in _PER_COLUMN[type(state).__name__]:
        value: Any = getattr(state, name, None)
        if isinstance(value, list):
            setattr(made, name, [value[i] for i in kept])
        elif getattr(value, "ndim", 0):
            setattr(made, name, value[..., kept])
    if hasattr(state, "_missing_indices"):
        place = {i: at for at, i in enumerate(kept)}
        made._missing_indices = {place[i]: code for i, code in state._missing_indices.items() if i in place}
    made.n_features_in_ = len(kept)
    return made


class Padded:
    """A fitted step with all its columns: those it is not given are zero, or None among categories."""

    def __init__(self, state: Any, kept: tuple[int, ...]) -> None:
        reads = reads_of(state)
        self._state, self._kept = state, kept
        self._law = law_of(state) if reads is None else None
        self._n = reads.n_columns if reads is not None else len(self._law.parts) if self._law is not None else 0

    def __getattr__(self, name: str) -> Any:
        """Return what the step has; ``predict`` and the like take the kept columns."""
        if name.startswith("__") or "_state" not in vars(self):
            raise AttributeError(name)
        found = getattr(self._state, name)
        return (lambda X: found(self._whole(X))) if name in _TAKES_ROWS else found

    def transform(self, X: Any) -> Any:
        """Return the outputs that come from the kept columns alone."""
        assert self._law is not None, "a step is cut down only if its law is known"
        whole, outputs = self._state.transform(self._whole(X)), list(self._law.outputs_of(self._kept))
        return whole.iloc[:, outputs] if hasattr(whole, "iloc") else whole[:, outputs]

    def _whole(self, X: Any) -> Any:
        import numpy as np

        if hasattr(X, "iloc"):
            return self._whole_frame(X)
        if hasattr(X, "tocsc"):
            from scipy import sparse

            place = sparse.csr_matrix(
                (np.ones(len(self._kept)), (range(len(self._kept)), self._kept)), (len(self._kept), self._n)
            )
            return (X @ place).tocsr()
        whole = np.zeros((len(X), self._n), dtype=np.asarray(X).dtype)
        whole[:, list(self._kept)] = X
        return whole

    def _whole_frame(self, X: Any) -> Any:
        import pandas as pd

        names = getattr(self._state, "feature_names_in_", range(self._n))
        given = dict(zip(self._kept, (X.iloc[:, i] for i in range(X.shape[1])), strict=True))
        numbers = all(column.dtype.kind in "fiub" for column in given.values())
        empty = pd.Series(0.0 if numbers else None, index=X.index, dtype="float64" if numbers else object)
        return pd.DataFrame({name: given.get(i, empty) for i, name in enumerate(names)})


_TAKES_ROWS = frozenset({"predict", "predict_proba", "decision_function"})
