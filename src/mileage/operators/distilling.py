"""Distilling: one small model learns what others say of the train rows, and of rows that are made up of these.

References
----------
Bucila, Caruana and Niculescu-Mizil 2006, Model compression, KDD, section 3 (MUNGE).
Hinton, Vinyals and Dean 2015, Distilling the knowledge in a neural network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    >>> made.shape, made["a"][:3].tolist(), sorted(set(made["b"]))
    ((9, 2), [1, 2, 3], ['x', 'y', 'z'])
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
