"""Keep everything; what was used longest ago leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import Policy


@dataclass(frozen=True)
class Lru(Policy):
    """Least recently used, whatever it costs."""

    name: ClassVar[str] = "lru"

    def wants(self, known: Known, task: str) -> bool:
        """Everything is wanted."""
        del known, task
        return True

    def score(self, known: Known, task: str) -> float:
        """Return when it was last used."""
        return known.items[task].last_used


lru = Lru()
