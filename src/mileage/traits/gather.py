"""Gather once what answers with different values of a late-bound parameter are made of.

What is gathered with the largest value serves all smaller ones: a neighbor model that is told the 50 nearest rows lets 3 of them
vote as one that has searched for 3, and the sums of the answers of 10, 20 and 50 trees are those of three forests. The columns that a
selector keeps are among those that it keeps with a larger value.
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


_MARGINS = ("binary", "multiclass", "regression")  # objectives whose answers are told from a sum of leaves
_LEAVES = "leaf_value="


def rounds(fitted: Any, X: Any) -> np.ndarray | None:
    """Sum up the leaves that the trees of a LightGBM model put rows in; the i-th sum has i + 1 rounds, shape (n_rounds, n_rows, n_outputs).

    None for a model whose answers are not told from that.
    """
    import numpy as np

    written = fitted.booster_.model_to_string()
    if fitted.objective_ not in _MARGINS or fitted.boosting_type == "rf" or "is_linear=1" in written:
        return None
    values = [line.removeprefix(_LEAVES).split() for line in written.splitlines() if line.startswith(_LEAVES)]
    leaves = np.asarray(fitted.predict(X, pred_leaf=True), dtype=np.int64).reshape(X.shape[0], -1)
    n_outputs = fitted.booster_.num_model_per_iteration()
    answers = np.stack([np.array(tree, dtype=float)[leaf] for tree, leaf in zip(values, leaves.T, strict=True)])
    return np.cumsum(answers.reshape(-1, n_outputs, X.shape[0]), axis=0).transpose(0, 2, 1)


def boosted(fitted: Any, found: np.ndarray | None) -> Any:
    """Return a LightGBM model that is told the sums of its leaves."""
    import numpy as np
    from scipy.special import expit, softmax

    if found is None:
        return fitted
    made, margins = copy(fitted), found[fitted.booster_.current_iteration() - 1]
    if not hasattr(fitted, "classes_"):
        made.predict = lambda _: margins[:, 0]
    elif margins.shape[1] > 1:
        made.predict_proba = lambda _: softmax(margins, axis=1)
    else:
        made.predict_proba = lambda _: np.column_stack([1.0 - expit(margins[:, 0]), expit(margins[:, 0])])
    return made


@dataclass(frozen=True, slots=True)
class Columns:
    """What a transformer gives for some rows, shape (n_rows, n_columns), and which of all its columns each is, smallest first."""

    values: Any
    places: np.ndarray

    def of(self, places: np.ndarray) -> Any:
        """Return some of the columns; without a copy where they lie side by side.

        Examples
        --------
        >>> import numpy as np
        >>> Columns(np.array([[3.0, 5.0, 8.0]]), np.array([3, 5, 8])).of(np.array([5, 8])).tolist()
        [[5.0, 8.0]]
        """
        import numpy as np

        at: Any = np.searchsorted(self.places, places)
        if len(at) and at[-1] - at[0] + 1 == len(at):
            at = slice(at[0], at[-1] + 1)
        return self.values.iloc[:, at] if hasattr(self.values, "iloc") else self.values[:, at]


def transformed(fitted: Any, X: Any) -> Columns:
    """Transform rows to as many columns as a fitted one keeps."""
    return Columns(fitted.transform(X), _places(fitted))


def shown(fitted: Any, found: Columns) -> Any:
    """Return a transformer that is shown its columns among those of one that keeps more."""
    made = copy(fitted)
    made.transform = lambda _: found.of(_places(fitted))
    return made


def _places(fitted: Any) -> np.ndarray:
    """Return which of all columns a transformer keeps; of a pipeline the step tells that leaves some out."""
    import numpy as np

    for part in (fitted, *(part for _, part in getattr(fitted, "steps", ()))):
        if hasattr(part, "get_support"):
            return np.asarray(part.get_support(indices=True))
        if hasattr(part, "components_"):
            return np.arange(len(part.components_))
    message = f"a {type(fitted).__name__} does not tell which columns it keeps"
    raise TypeError(message)


Gather = Callable[[Any, Any], Any]
GATHERS: Mapping[tuple[str, str], tuple[Gather, Gather]] = {
    **{(name, "n_neighbors"): (nearest, told) for name in ("KNeighborsClassifier", "KNeighborsRegressor")},
    **{
        (f"{forest}{kind}", "n_estimators"): (summed, averaged)
        for forest in ("RandomForest", "ExtraTrees")
        for kind in ("Classifier", "Regressor")
    },
    **{(name, "n_estimators"): (rounds, boosted) for name in ("LGBMClassifier", "LGBMRegressor")},
    ("SelectKBest", "k"): (transformed, shown),
    ("SelectPercentile", "percentile"): (transformed, shown),
    ("PCA", "n_components"): (transformed, shown),
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
