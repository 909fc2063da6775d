"""``error``: the share of rows that got the wrong class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.operators.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions


class ErrorRate(Metric):
    """Share of rows with a wrong class: ``1 - accuracy``."""

    name = "error"
    greater_is_better = False
    tasks = ("binary", "multiclass")

    def measure(self, y: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> float:
        """Return the share."""
        del classes
        return float((predictions.labels != y).mean())


ERROR_RATE = ErrorRate()
