"""Metrics of a regression that are told from the mean of its squared errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mileage.operators.metrics.scoring import is_plain, resolve_metric

if TYPE_CHECKING:
    import numpy as np

_SQUARES = ("neg_mean_squared_error", "neg_root_mean_squared_error", "r2")


def is_of_squares(call: str) -> bool:
    """Say whether a metric of a regression is told from squared errors.

    Examples
    --------
    >>> is_of_squares("rmse"), is_of_squares("r2"), is_of_squares("mae")
    (True, True, False)
    """
    return is_plain(call, "regression") and resolve_metric(call, "regression").scorer in _SQUARES


def score_squares(call: str, errors: np.ndarray, variance: float, n_rows: int) -> np.ndarray:
    """Return the values of a metric from mean squared errors.

    Parameters
    ----------
    call : str
        For which :func:`is_of_squares` holds.
    errors : array of shape (n_models,)
        Mean squared errors of each on the same rows.
    variance : float
        Of the target in these rows.
    n_rows : int

    Examples
    --------
    >>> import numpy as np
    >>> score_squares("rmse", np.array([4.0, 9.0]), 25.0, 10).tolist()
    [2.0, 3.0]
    """
    import numpy as np

    found = resolve_metric(call, "regression")
    if not n_rows:
        return np.full(len(errors), math.nan)
    if found.scorer == "r2":
        if n_rows < 2:
            return np.full(len(errors), math.nan)
        return 1 - errors / variance if variance else np.where(errors > 0, 0.0, 1.0)
    values = np.sqrt(errors) if found.scorer.startswith("neg_root") else errors
    return -found.sign * values
