"""Distilling: one small model learns what others say of the train rows, and of rows that are made up of these.

References
----------
Bucila, Caruana and Niculescu-Mizil 2006, Model compression, KDD, section 3 (MUNGE).
Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    import numpy as np

_DIRECTIONS = 4  # near is what is near along so many
_NEAR = 8  # rows, one of which gives values


def made_up_rows(X: Any, times: int, swap: float, seed: int) -> Any:
    """Return rows, and ``times`` as many that are made up of them, shape (n_rows * (1 + times), n_columns).

    In a made-up row each value comes, with probability ``swap``, from a row nearby. As in MUNGE no value is made up, so columns of
    any kind stay what they are; near is told by the ranks of values along a few random directions, which serves large tables, too.

    Parameters
    ----------
    X : DataFrame
    times : int
    swap : float
        Between 0 and 1.
    seed : int

    Examples
    --------
    >>> import pandas as pd
    >>> made = made_up_rows(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}), 2, 0.5, 0)
    >>> made.shape, made["a"][:3].tolist(), set(made["b"])
    ((9, 2), [1, 2, 3], {'z', 'y', 'x'})
    """
    import numpy as np
    import pandas as pd

    n, names = len(X), sorted(X.columns)
    near = _rows_nearby(X[names], np.random.default_rng(seed))
    own, rng = np.arange(n), np.random.default_rng(seed + 1)
    partner = np.concatenate([near[own, rng.integers(near.shape[1], size=n)] for _ in range(times)])
    taken = {}
    for name in names:  # in the order of their names, whatever the order of the columns is
        swapped = np.where(rng.random(n * times) < swap, partner, np.tile(own, times))
        taken[name] = np.concatenate([own, swapped])
    columns = {name: X[name].take(taken[name]).reset_index(drop=True) for name in X.columns}
    return pd.DataFrame(columns)


def _rows_nearby(X: Any, rng: np.random.Generator) -> np.ndarray:
    """Return the places of rows near each row, shape (n_rows, at most 8)."""
    import numpy as np
    from scipy.spatial import cKDTree

    ranks = np.column_stack([_ranks(X[name]) for name in X.columns])
    points = ranks @ rng.normal(size=(ranks.shape[1], _DIRECTIONS))
    k = min(_NEAR, len(X) - 1)
    if k < 1:
        return np.zeros((len(X), 1), dtype=int)
    return np.asarray(cKDTree(points).query(points, k=k + 1)[1])[:, 1:]


def _ranks(column: Any) -> np.ndarray:
    """Return the ranks of a column's values, between 0 and 1; categories stand in the order in which they come."""
    import numpy as np
    import pandas as pd

    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    values = column.reset_index(drop=True) if numeric else pd.Series(pd.factorize(column)[0])
    return np.asarray(values.rank(na_option="top"), dtype=float) / max(1, len(column))


class Distilled(BaseEstimator):
    """A student that is fitted on what a teacher, fitted on the same rows, says of these and of made-up rows.

    Parameters
    ----------
    teacher, student : estimator
        Both read a DataFrame of the raw columns; of classes, the student learns probabilities, shape (n_rows, n_classes).
    columns : list of str
        What rows are made up of.
    times, swap, seed : int, float, int
        See :func:`made_up_rows`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    >>> both = Distilled(LinearRegression(), LinearRegression(), ["a"], 1, 0.5, 0).fit(X, 2 * X["a"])
    >>> both.predict(X).round(6).tolist()
    [2.0, 4.0, 6.0, 8.0]
    """

    def __init__(self, teacher: Any, student: Any, columns: Any, times: int, swap: float, seed: int) -> None:
        self.teacher = teacher
        self.student = student
        self.columns = columns
        self.times = times
        self.swap = swap
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Distilled:
        """Fit the teacher, then the student on what it says."""
        from sklearn.base import clone, is_classifier

        teacher = clone(self.teacher).fit(X, y)
        made = made_up_rows(X[list(self.columns)], self.times, self.swap, self.seed)
        said = teacher.predict_proba(made) if is_classifier(teacher) else teacher.predict(made)
        self.student_ = clone(self.student).fit(made, said)
        if is_classifier(teacher):
            self.classes_ = teacher.classes_
        return self

    def predict(self, X: Any) -> Any:
        """Return the classes or values that the student predicts."""
        if not hasattr(self, "classes_"):
            return self.student_.predict(X)
        return self.classes_[self.student_.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities that the student predicts, in the order of ``classes_``."""
        return self.student_.predict_proba(X)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of what the teacher is: a classifier or a regressor."""
        from sklearn.utils import get_tags

        return get_tags(self.teacher)
