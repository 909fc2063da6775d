"""HELIX's streaming rule, for comparison: first come, first kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import NEVER, Policy


@dataclass(frozen=True)
class Helix(Policy):
    """Keep what takes more than twice its load to compute, ancestors included; nothing current leaves.

    Where it ``purges``, results of changed steps leave for new ones, and not before there is need (Xin et al. 2018,
    OPT-MAT-PLAN; in our reading).
    """

    name: ClassVar[str] = "helix"
    purges: bool = True

    def wants(self, known: Known, task: str) -> bool:
        """Yes, if computing it and all before it takes more than twice its load."""
        return known.whole_s(task) > 2 * known.items[task].load_s

    def score(self, known: Known, task: str) -> float:
        """Only what is superseded may leave."""
        age = known.items[task].age
        return NEVER if age == 0 or not self.purges else -age


helix = Helix()
