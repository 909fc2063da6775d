"""One metric of many models on the same rows: a few metrics at once, the others model by model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mileage.operators.metrics.scoring import is_plain, resolve_metric, score
from mileage.operators.metrics.squares import is_of_squares, score_squares

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.together import Asked


def score_stacked(
    call: str, y: np.ndarray, asked: Asked, *, classes: tuple[str, ...], task: str, positive: int = 1
) -> np.ndarray:
    """Return the value of a metric for each of several models, as :func:`~mileage.operators.metrics.score` gives it for one.

    Parameters
    ----------
    call, y, classes, task, positive
        As for :func:`~mileage.operators.metrics.score`.
    asked : Asked
        Models, and the rows of ``y``.

    Returns
    -------
    array of shape (n_models,)

    Examples
    --------
    >>> import numpy as np
    >>> from mileage.operators.together import Asked, LinearFits
    >>> fits = LinearFits(np.ones((2, 1, 1)), np.array([[-0.5], [-1.5]]), "decision", np.array([0, 1]))
    >>> asked = Asked(fits, np.array([[0.0], [1.0], [2.0]]), 2)
    >>> score_stacked("accuracy", np.array([0, 1, 1]), asked, classes=("a", "b"), task="binary").round(3).tolist()
    [1.0, 0.667]
    """
    import numpy as np

    if task == "regression" and len(y) and is_of_squares(call):
        return score_squares(call, _means(_squares, y, asked), float(y.var()), len(y))
    at_once = _AT_ONCE.get(resolve_metric(call, task).scorer) if len(y) and is_plain(call, task) else None
    if at_once is None or (at_once is _log_shares and asked.kind != "proba"):
        settings = {"classes": classes, "task": task, "positive": positive}
        return np.array([score(call, y, asked.at(i), **settings) for i in range(len(asked))], dtype=float)  # type: ignore[arg-type]
    return resolve_metric(call, task).sign * _means(at_once, y, asked)


def _means(of_rows: Callable[[np.ndarray, Any], np.ndarray], y: np.ndarray, asked: Asked) -> np.ndarray:
    """Return for each model the mean over all rows of what is told of each."""
    import numpy as np

    sums = [of_rows(y[rows], answers).sum(axis=1) for rows, answers in asked.in_turn()]
    return np.asarray(np.sum(sums, axis=0) / len(y))


def _squares(y: np.ndarray, answers: Any) -> np.ndarray:
    import numpy as np

    return np.asarray((answers.values - y) ** 2)


def _hits(y: np.ndarray, answers: Any) -> np.ndarray:
    import numpy as np

    return np.asarray(answers.labels == y)


def _log_shares(y: np.ndarray, answers: Any) -> np.ndarray:
    import numpy as np

    return np.asarray(answers.log_shares(y))


_AT_ONCE: Mapping[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "accuracy": _hits,
    "neg_log_loss": _log_shares,
}
