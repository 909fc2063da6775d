"""LIMA's Cost&Size, for comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import Policy


@dataclass(frozen=True)
class Lima(Policy):
    """Own cost x (hits + misses) / size; kept where computing takes longer than writing and reading.

    Phani, Rath, Boehm 2021, "LIMA: fine-grained lineage tracing and reuse", eviction policy Cost&Size.
    """

    name: ClassVar[str] = "lima"

    def wants(self, known: Known, task: str) -> bool:
        """Yes, if computing it takes longer than writing and reading it."""
        item = known.items[task]
        return item.seconds > item.write_s + item.load_s

    def score(self, known: Known, task: str) -> float:
        """Return cost times uses per byte."""
        item = known.items[task]
        return item.seconds * (1 + item.hits + item.misses) / max(1, item.room_bytes)


lima = Lima()
