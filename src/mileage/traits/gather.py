"""Gather once what answers with different values of a late-bound parameter are made of.

What is gathered with the largest value serves all smaller ones: a neighbor model that is told the 50 nearest rows lets 3 of them
vote as one that has searched for 3, and the sums of the answers of 10, 20 and 50 trees are those of three forests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_NEAR = 1e-9  # distances that differ by less, as a share, are as good as equal


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The nearest train rows of each row: distances and places, both of shape (n_rows, n_neighbors), nearest first."""

    distances: np.ndarray
    places: np.ndarray


def nearest(fitted: Any, X: Any) -> Neighbors:
    """Search for as many neighbors as a fitted one asks."""
    return Neighbors(*fitted.kneighbors(X))


def told(fitted: Any, found: Neighbors) -> Any:
    """Return a neighbor model that is told its neighbors instead of searching for them.

    Rows whose last neighbor is as near as the next one are searched for again: which of the two is taken is anybody's choice.
    """
    import numpy as np

    n = fitted.n_neighbors

    def kneighbors(X: Any, return_distance: bool = True) -> Any:
        distances, places = found.distances[:, :n], found.places[:, :n]
        if n < found.distances.shape[1]:
            last, following = found.distances[:, n - 1], found.distances[:, n]
            tied = np.flatnonzero(following - last <= _NEAR * following)
            if len(tied):
                distances, places = distances.copy(), places.copy()
                distances[tied], places[tied] = fitted.kneighbors(X[tied])
        return (distances, places) if return_distance else places

    made = copy(fitted)
    made.kneighbors = kneighbors
    made._fit_method = "told"  # else it would search in its own way where all neighbors count the same
    return made


def summed(fitted: Any, X: Any) -> np.ndarray:
    """Sum up the answers of the trees of a forest, one after the other; the i-th sum has i + 1 of them."""
    import numpy as np

    rows = fitted._validate_X_predict(X)  # as ``predict`` does, for all trees at once
    verb = "predict_proba" if hasattr(fitted, "classes_") else "predict"
    answers = [getattr(tree, verb)(rows, check_input=False) for tree in fitted.estimators_]
    return np.cumsum(answers, axis=0)


def averaged(fitted: Any, found: np.ndarray) -> Any:
    """Return a forest that is told the sums of its trees' answers."""
    n = len(fitted.estimators_)
    made = copy(fitted)
    setattr(made, "predict_proba" if hasattr(fitted, "classes_") else "predict", lambda _: found[n - 1] / n)
    return made


Gather = Callable[[Any, Any], Any]
GATHERS: Mapping[tuple[str, str], tuple[Gather, Gather]] = {
    **{(name, "n_neighbors"): (nearest, told) for name in ("KNeighborsClassifier", "KNeighborsRegressor")},
    **{
        (f"{forest}{kind}", "n_estimators"): (summed, averaged)
        for forest in ("RandomForest", "ExtraTrees")
        for kind in ("Classifier", "Regressor")
    },
}


def gather(name: str, parameter: str, fitted: Any, X: Any) -> Any:
    """Return what a fitted one of a class answers from for some rows, for its own value of a parameter and all smaller ones."""
    return GATHERS[name, parameter][0](fitted, X)


def informed(name: str, parameter: str, fitted: Any, found: Any) -> Any:
    """Return a fitted one of a class that answers from what was gathered for the same rows; the given one is not changed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> X, y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)
    >>> two, three = (KNeighborsRegressor(n).fit(X, y) for n in (2, 3))
    >>> rows = np.array([[0.1], [4.2]])
    >>> found = gather("KNeighborsRegressor", "n_neighbors", three, rows)
    >>> informed("KNeighborsRegressor", "n_neighbors", two, found).predict(rows).tolist()
    [0.5, 4.5]
    """
    return GATHERS[name, parameter][1](fitted, found)
