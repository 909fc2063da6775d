"""The contract of a monitor, and what it yields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from mileage.core.diagnostics import Severity
from mileage.data import Dataset, Profile, SplitSpec, TargetProfile


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence from a monitor; ``suggestion`` is the clause that would answer it."""

    code: str
    message: str
    severity: Severity = Severity.WARNING
    columns: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    suggestion: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


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
