"""Keep everything there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import NEVER, Policy


@dataclass(frozen=True)
class All(Policy):
    """Everything is kept until the quota is full; then nothing new is."""

    name: ClassVar[str] = "all"

    def wants(self, known: Known, task: str) -> bool:
        """Everything is wanted."""
        del known, task
        return True

    def score(self, known: Known, task: str) -> float:
        """Nothing leaves."""
        del known, task
        return NEVER


everything = All()
