"""What a metric is, and a metric as called in a query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions


class Metric(ABC):
    """A metric of our own or an outsider's: one subclass and one instance in a file.

    Law (checked by ``mileage.testing.check_metric``): ``measure`` is pure, returns a finite number or NaN where it is
    not defined, and does not depend on the order of the rows.
    """

    name: ClassVar[str]
    greater_is_better: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "regression")

    @abstractmethod
    def measure(self, y: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> float:
        """Return the value for true codes or values ``y``."""


@dataclass(frozen=True, slots=True)
class MetricCall:
    """A metric with its arguments: ``recall('lung')`` is ``MetricCall("recall", ("lung",))``."""

    name: str
    args: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()
    greater_is_better: bool = True
    scorer: str = ""
    sign: float = 1.0
