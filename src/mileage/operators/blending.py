"""Blends: the weighted mean of what several models predict, and weights chosen from kept predictions.

References
----------
Caruana, Niculescu-Mizil, Crew and Ksikes 2004, Ensemble selection from libraries of models, ICML, sections 2.1 and 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mileage.operators.running import Predictions

if TYPE_CHECKING:
    import numpy as np

    Loss = Callable[[Predictions], float]

_STEPS = 25
_LEAST_GAIN = 1e-9
_SPARED = 0.1  # of what blending gains may be lost for fewer members, which predict sooner


def blend(predictions: Sequence[Predictions], weights: Sequence[float]) -> Predictions:
    """Return the weighted mean of predictions for the same rows: of probabilities, or of values.

    Raises
    ------
    ValueError
        If one of them has neither, but margins.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = (Predictions("value", np.array([v, v]), np.array([v, v])) for v in (1.0, 3.0))
    >>> blend([low, high], (0.25, 0.75)).values.tolist()
    [2.5, 2.5]
    """
    import numpy as np

    kinds = {made.kind for made in predictions}
    if kinds not in ({"proba"}, {"value"}):
        message = f"predictions of the kinds {', '.join(sorted(kinds))} have no mean"
        raise ValueError(message)
    values = np.average(np.stack([made.values for made in predictions]), axis=0, weights=np.asarray(weights))
    labels = values if kinds == {"value"} else values.argmax(axis=1)
    return Predictions(kinds.pop(), values, labels)


def pooled(predictions: Sequence[Predictions], every: int = 1) -> Predictions:
    """Return the predictions for the rows of several splits as one, for each ``every``-th row."""
    import numpy as np

    values = np.concatenate([made.values for made in predictions])[::every]
    return Predictions(predictions[0].kind, values, np.concatenate([made.labels for made in predictions])[::every])


def blend_weights(candidates: Sequence[Predictions], loss: Loss, n_steps: int = _STEPS) -> np.ndarray:
    """Return the weights of a blend, shape (n_candidates,), that sum to 1; many are 0.

    It begins with as many of the best as are best together, and adds one after the other, each as often as it helps: a
    weight is the share of the times that a candidate was added. That is hard to overfit where the candidates are few. Those
    without which hardly less is gained are left out again, as each has to predict.

    Parameters
    ----------
    candidates : sequence of Predictions
        Of each candidate, what it predicts for the same rows, on which it was not fitted.
    loss : callable
        The loss of a blend from its predictions for those rows; smaller is better, NaN where it is not defined.
    n_steps : int
        How many are added at most.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> made = [Predictions("value", y + e, y + e) for e in (1.0, -1.0, 9.0)]
    >>> blend_weights(made, lambda blend: float(np.abs(blend.values - y).mean())).tolist()
    [0.5, 0.5, 0.0]
    """
    import numpy as np

    def of(counts: Sequence[int]) -> float:
        members = [(c, n) for c, n in zip(candidates, counts, strict=True) if n]
        value = loss(blend([c for c, _ in members], [n for _, n in members]))
        return math.inf if math.isnan(value) else value

    alone = [of([int(i == j) for j in range(len(candidates))]) for i in range(len(candidates))]
    counts, lowest = _best_together(alone, of)
    for _ in range(n_steps):
        tries = [tuple(n + (i == j) for j, n in enumerate(counts)) for i in range(len(candidates))]
        losses = [of(one) for one in tries]
        if not min(losses) < lowest - _LEAST_GAIN * abs(lowest):
            break
        lowest = min(losses)
        counts = tries[losses.index(lowest)]
    counts = _thinned(counts, of, lowest + _SPARED * (min(alone) - lowest))
    return np.array(counts) / sum(counts)


def _thinned(counts: tuple[int, ...], of: Callable[[Sequence[int]], float], most: float) -> tuple[int, ...]:
    """Return the counts without as many members as can be spared for a loss of ``most``, those that are missed least first."""
    while sum(n > 0 for n in counts) > 1:
        tries = [tuple(0 if i == j else n for j, n in enumerate(counts)) for i, m in enumerate(counts) if m]
        losses = [of(one) for one in tries]
        if not min(losses) <= most:
            break
        counts = tries[losses.index(min(losses))]
    return counts


def _best_together(alone: list[float], of: Callable[[Sequence[int]], float]) -> tuple[tuple[int, ...], float]:
    """Return how many of the best, in the order of their losses ``alone``, are best together, as counts with their loss."""
    n = len(alone)
    order = sorted(range(n), key=lambda i: (alone[i], i))
    tries = [tuple(int(order.index(i) < k) for i in range(n)) for k in range(1, n + 1)]
    losses = [min(alone), *[of(one) for one in tries[1:]]]
    lowest = min(losses)
    return tries[losses.index(lowest)], lowest
