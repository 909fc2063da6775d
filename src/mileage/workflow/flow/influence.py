"""How much each row moves a metric: what the error of a metric, and of the difference of two, follows from.

A metric that has no such form here is resampled instead (:mod:`mileage.session.approximate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mileage.workflow.flow.scored import Scored, as_predictions, task_of

if TYPE_CHECKING:
    import numpy as np

_EPSILON = 1e-15


def influences(one: Scored) -> np.ndarray | None:
    """Return the influence of each row on a metric, zero on average; None where there is no quick form.

    The variance of the metric, over samples of as many rows, is the variance of these by the number of rows.

    References
    ----------
    Efron 1982, chapter 6 (the infinitesimal jackknife); DeLong, DeLong & Clarke-Pearson 1988 for the area under the ROC
    curve, of which this is the same.

    Examples
    --------
    >>> from mileage.workflow.flow.scored import measured
    >>> import numpy as np
    >>> made = influences(measured(np.array([0.0, 1.0, 2.5]), np.array([0.0, 0.0, 0.0]), "mae"))
    >>> [round(float(number), 2) for number in made]
    [-1.17, -0.17, 1.33]
    """
    task, classes = task_of(one.metric, one.truth)
    made = _OF.get((task if task == "regression" else "classes", one.metric))
    return None if made is None else made(one, classes)


def _of_losses(loss: Callable[[Scored, np.ndarray], np.ndarray | None]) -> Callable[..., np.ndarray | None]:
    """Return the influence on the mean of a loss."""

    def influence(one: Scored, classes: np.ndarray) -> np.ndarray | None:
        losses = loss(one, classes)
        return None if losses is None else losses - losses.mean()

    return influence


def _of_roc_auc(one: Scored, classes: np.ndarray) -> np.ndarray | None:
    """Return how many rows of the other class each row is on the right side of, equal ones half."""
    import numpy as np

    if len(classes) != 2 or one.prediction.dtype.kind != "f":
        return None
    scores = one.prediction if one.prediction.ndim == 1 else one.prediction[:, 1]
    hit = one.truth == classes[1]
    made = np.empty(len(scores))
    for side, sign in ((hit, 1), (~hit, -1)):
        others, own = np.sort(scores[~side]), scores[side]
        beyond = (np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")) / (2 * len(others))
        made[side] = sign * (beyond - beyond.mean()) * len(scores) / len(own)
    return made


def _of_rmse(one: Scored, classes: np.ndarray) -> np.ndarray | None:
    import numpy as np

    del classes
    squares = (one.truth - one.prediction) ** 2
    mean = float(squares.mean())
    return (squares - mean) / (2 * np.sqrt(mean)) if mean > 0 else None


def _log_losses(one: Scored, classes: np.ndarray) -> np.ndarray | None:
    import numpy as np

    kept = as_predictions(one.prediction, classes)
    if kept.kind != "proba":
        return None
    said = kept.values[np.arange(len(one.truth)), np.searchsorted(classes, one.truth)]
    losses: np.ndarray = -np.log(np.clip(said, _EPSILON, 1))
    return -losses if one.metric.startswith("neg") else losses


def _hits(one: Scored, classes: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = as_predictions(one.prediction, classes).labels == np.searchsorted(classes, one.truth)
    return found.astype(float)


def _errors(power: int) -> Callable[[Scored, np.ndarray], np.ndarray]:
    def errors(one: Scored, classes: np.ndarray) -> np.ndarray:
        del classes
        made: np.ndarray = abs(one.truth - one.prediction) ** power
        return made

    return errors


_OF: Mapping[tuple[str, str], Callable[[Scored, np.ndarray], np.ndarray | None]] = {
    ("classes", "roc_auc"): _of_roc_auc,
    ("classes", "auc"): _of_roc_auc,
    ("classes", "log_loss"): _of_losses(_log_losses),
    ("classes", "neg_log_loss"): _of_losses(_log_losses),
    ("classes", "accuracy"): _of_losses(_hits),
    ("regression", "mae"): _of_losses(_errors(1)),
    ("regression", "mse"): _of_losses(_errors(2)),
    ("regression", "rmse"): _of_rmse,
}
