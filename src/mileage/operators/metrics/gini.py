"""``gini``: twice the area under the ROC curve, less one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.operators.metrics.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions


class Gini(Metric):
    """Gini coefficient of a ranking by the positive class, as credit scoring states it."""

    name = "gini"
    tasks = ("binary",)

    def measure(self, y: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> float:
        """Return ``2 * AUC - 1``; NaN if ``y`` has one class."""
        from mileage.operators.metrics.scoring import score

        return 2 * score("roc_auc", y, predictions, classes=classes, task="binary") - 1


GINI = Gini()
