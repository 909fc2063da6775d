"""Bounds that an answer has to keep: ``REQUIRE recall >= 0.9, latency <= 5 ms``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mileage.core.units import format_bytes, format_seconds
from mileage.results.ranking import MEASURED, value_of
from mileage.results.trial import Trial


@dataclass(frozen=True, slots=True)
class Requirement:
    """A bound of one metric; what is measured (see :data:`MEASURED`) is in seconds and bytes.

    ``latency`` is the time of one row where the rows of a split are predicted together.

    Examples
    --------
    >>> bound = Requirement("size", "<=", 2_000_000.0)
    >>> bound.shortfall(Trial(1, size_bytes=1_000_000)), bound.shortfall(Trial(2, size_bytes=3_000_000))
    (0.0, 0.5)
    """

    metric: str
    op: str
    value: float

    @property
    def is_measured(self) -> bool:
        """Whether it bounds a time or a size, not a score."""
        return self.metric in MEASURED

    @property
    def is_upper(self) -> bool:
        """Whether less is better."""
        return self.op[0] == "<"

    def shortfall(self, trial: Trial) -> float:
        """Return by which part of the bound a trial misses it: 0 if it keeps it, infinite if its value is not known."""
        value = value_of(trial, self.metric)
        if math.isnan(value):
            return math.inf
        over = value - self.value if self.is_upper else self.value - value
        if over < 0 or (over == 0 and self.op in {"<=", ">="}):
            return 0.0
        return max(over, 1e-12) / max(abs(self.value), 1e-12)

    def shown(self, value: float) -> str:
        """Return a value of the metric as people write it."""
        if math.isnan(value):
            return "unknown"
        if self.metric == "size":
            return format_bytes(int(value))
        return format_seconds(value) if self.is_measured else f"{value:.4g}"

    def __str__(self) -> str:
        return f"{self.metric} {self.op} {self.shown(self.value)}"


def shortfall(requirements: Sequence[Requirement], trial: Trial) -> float:
    """Return the sum of the shortfalls: 0 for a trial that keeps all bounds."""
    return math.fsum(bound.shortfall(trial) for bound in requirements)


def missed(requirements: Sequence[Requirement], trial: Trial) -> str:
    """Return what a trial misses, such as ``misses size <= 1 MB (2.5 MB)``; empty if it keeps all bounds.

    Examples
    --------
    >>> missed([Requirement("auc", ">=", 0.9)], Trial(1, scores={"auc": (0.8, 0.9)}))
    'misses auc >= 0.9 (0.85)'
    """
    parts = [f"{b} ({b.shown(value_of(trial, b.metric))})" for b in requirements if b.shortfall(trial) > 0]
    return "misses " + ", ".join(parts) if parts else ""
