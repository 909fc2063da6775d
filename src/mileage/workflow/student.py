"""An estimator that fits a teacher and then a student, as scikit-learn's users would: what a distilled workflow is outside of a run."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from mileage.operators.distilling import made_up_rows


class Distilled(BaseEstimator):
    """A student that is fitted on what a teacher, fitted on the same rows, says of these and of made-up rows.

    Parameters
    ----------
    teacher, student : estimator
        Both read a DataFrame of the raw columns; of classes, the student learns probabilities, shape (n_rows, n_classes).
    columns : list of str
        What rows are made up of.
    times, swap, seed : int, float, int
        See ``made_up_rows``.

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
