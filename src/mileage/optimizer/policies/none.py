"""Keep nothing: every run starts from the beginning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import Policy


@dataclass(frozen=True)
class Nothing(Policy):
    """Nothing new is kept; what is there is still loaded."""

    name: ClassVar[str] = "none"

    def wants(self, known: Known, task: str) -> bool:
        """Nothing is wanted."""
        del known, task
        return False

    def score(self, known: Known, task: str) -> float:
        """All are worth the same."""
        del known, task
        return 0.0


nothing = Nothing()
