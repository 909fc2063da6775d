"""``hit_rate``: the share of the true positives among the tenth of the rows that is ranked first."""

from typing import Any

import numpy as np

from mileage.operators.metrics import Metric


class HitRate(Metric):
    """Share of the positives in the first tenth: whom a campaign reaches that can write to one in ten."""

    name = "hit_rate"
    tasks = ("binary",)

    def measure(self, y: np.ndarray, predictions: Any, classes: tuple[str, ...]) -> float:
        """Return the share, 0 to 1; NaN if there are no positives. Equal ranks count in part."""
        score = predictions.proba()[:, 1]
        positives = float((y == 1).sum())
        if positives == 0:
            return float("nan")
        n = max(1, round(0.1 * len(y)))
        bound = np.sort(score)[-n]
        above, at = score > bound, score == bound
        share_at = (n - above.sum()) / at.sum()
        return float(((y[above] == 1).sum() + share_at * (y[at] == 1).sum()) / min(n, positives))


HIT_RATE = HitRate()
