"""One metric of many models on the same rows: a few metrics at once, the others model by model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mileage.operators.metrics.scoring import is_plain, resolve_metric, score
from mileage.operators.metrics.squares import is_of_squares, score_squares
from mileage.operators.together import Stacked

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.together import Odds


def score_stacked(
    call: str, y: np.ndarray, stacked: Stacked | Odds, *, classes: tuple[str, ...], task: str, positive: int = 1
) -> np.ndarray:
    """Return the value of a metric for each of several models, as :func:`~mileage.operators.metrics.score` gives it for one.

    Parameters
    ----------
    call, y, classes, task, positive
        As for :func:`~mileage.operators.metrics.score`.
    stacked : Stacked or Odds
        What the models say of the rows of ``y``.

    Returns
    -------
    array of shape (n_models,)

    Examples
    --------
    >>> import numpy as np
    >>> from mileage.operators.together import Stacked
    >>> made = np.array([[0, 1, 1], [0, 0, 1]])
    >>> stacked = Stacked("decision", made - 0.5, made)
    >>> score_stacked("accuracy", np.array([0, 1, 1]), stacked, classes=("a", "b"), task="binary").round(3).tolist()
    [1.0, 0.667]
    """
    import numpy as np

    at_once = _AT_ONCE.get(resolve_metric(call, task).scorer) if len(y) and is_plain(call, task) else None
    if task == "regression" and len(y) and is_of_squares(call):
        errors = ((stacked.values - y) ** 2).mean(axis=1)
        return score_squares(call, errors, float(y.var()), len(y))
    if at_once is None or (at_once is _log_loss and isinstance(stacked, Stacked)):
        asked = {"classes": classes, "task": task, "positive": positive}
        return np.array([score(call, y, stacked.at(i), **asked) for i in range(len(stacked))], dtype=float)  # type: ignore[arg-type]
    return resolve_metric(call, task).sign * at_once(y, stacked)


def _accuracy(y: np.ndarray, stacked: Stacked | Odds) -> np.ndarray:
    import numpy as np

    return np.asarray((stacked.labels == y).mean(axis=1))


def _log_loss(y: np.ndarray, stacked: Any) -> np.ndarray:
    import numpy as np

    return np.asarray(stacked.log_shares(y).mean(axis=1))


_AT_ONCE: Mapping[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "accuracy": _accuracy,
    "neg_log_loss": _log_loss,
}
