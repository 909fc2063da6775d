"""Racing: a workflow that is clearly behind on the first split is not fitted on the others.

On a table whose fits take seconds, a search of a minute spends most of it on workflows that nobody will choose. A trial that may
take long is scored on one split first; if its loss there is worse than that of the best so far, on the same rows, by more than the best's
own scores differ from split to split, it ends there. Its one score is never compared with the mean of others'.

References
----------
Maron and Moore 1994, Hoeffding races: accelerating model selection search for classification and function approximation, NIPS 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mileage.results import Trial

_LONG = 0.004  # of a budget of time: what takes less is not worth a race
_FEW_ROWS, _WIDER = 2000, 2.0  # of so few rows a split says less
_FEWEST = 3  # splits, of fewer one is no small part


@dataclass(frozen=True, slots=True)
class Hurdle:
    """What a trial has to reach on its first split, set when the trial begins; losses are smaller for better.

    Attributes
    ----------
    first : float
        Loss of the best trial on that split.
    mean : float
        Its mean loss over all splits.
    spread : float
        Standard deviation of its losses from split to split; twice that where rows are few.
    number : int
        The best trial's.

    Examples
    --------
    >>> hurdle = Hurdle(first=0.2, mean=0.25, spread=0.02, number=3)
    >>> hurdle.is_cleared(0.215), hurdle.is_cleared(0.23), round(hurdle.expected(0.23), 3)
    (True, False, 0.28)
    """

    first: float
    mean: float
    spread: float
    number: int

    def is_cleared(self, loss: float) -> bool:
        """Say whether a loss on the first split is no reason to stop."""
        return loss <= self.first + self.spread

    def expected(self, loss: float) -> float:
        """Return the mean loss to expect of a trial with this loss on the first split."""
        return self.mean + loss - self.first


def hurdle_of(best: Trial | None, metric: str, *, greater: bool, share: float, n_rows: int) -> Hurdle | None:
    """Return the hurdle for a trial that takes ``share`` of the budget of time; None if it is scored on all splits at once.

    Examples
    --------
    >>> best = Trial(2, scores={"rmse": (2.0, 2.5, 3.0)})
    >>> hurdle_of(best, "rmse", greater=False, share=0.05, n_rows=5000)
    Hurdle(first=2.0, mean=2.5, spread=0.5, number=2)
    >>> hurdle_of(best, "rmse", greater=False, share=0.001, n_rows=5000) is None
    True
    """
    if best is None or share < _LONG:
        return None
    sign = -1.0 if greater else 1.0
    losses = [sign * score for score in best.scores.get(metric, ())]
    if len(losses) < _FEWEST:
        return None
    mean = math.fsum(losses) / len(losses)
    spread = math.sqrt(math.fsum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1))
    return Hurdle(losses[0], mean, spread * (_WIDER if n_rows <= _FEW_ROWS else 1.0), best.number)
