"""The contract of a monitor, and what it yields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from mileage.core.findings import Finding
from mileage.data import Dataset, Profile, SplitSpec, TargetProfile


@dataclass(frozen=True, slots=True)
class WatchContext:
    """What a monitor may look at."""

    dataset: Dataset
    profile: Profile
    target_name: str
    target: TargetProfile
    features: tuple[str, ...]
    splits: SplitSpec


class Monitor(ABC):
    """One watch. Laws: it changes nothing, is quick next to one fit, and the same data gives the same findings."""

    name: ClassVar[str]

    @abstractmethod
    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return what was found."""
