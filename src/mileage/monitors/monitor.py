"""The contract of a monitor, and what it yields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mileage.core.diagnostics import Severity
from mileage.core.findings import Finding
from mileage.data import Dataset, Kind, Profile, SplitSpec, TargetProfile, quote

if TYPE_CHECKING:
    import pandas as pd


NOTE = Severity.NOTE


@dataclass(frozen=True, slots=True)
class WatchContext:
    """What a monitor may look at."""

    dataset: Dataset
    profile: Profile
    target_name: str
    target: TargetProfile
    features: tuple[str, ...]
    splits: SplitSpec

    @property
    def target_kind(self) -> Kind:
        """Kind in which the target is read."""
        return Kind.NUMERIC if self.target.task == "regression" else Kind.CATEGORICAL

    def read(self, columns: Sequence[tuple[str, Kind]], *, at_most: int | None = None) -> pd.DataFrame:
        """Return columns of the rows that have a target, evenly spaced ones if there are more than ``at_most``.

        The target is the last column.
        """
        sql = self.dataset.scan_sql([*columns, (self.target_name, self.target_kind)])
        if at_most is not None and self.profile.n_rows > at_most:
            step = -(-self.profile.n_rows // at_most)
            # Every step-th row by its number: the same rows in any run.
            sql = f"SELECT * EXCLUDE (mile_row) FROM (SELECT *, row_number() OVER () AS mile_row FROM ({sql})) WHERE mile_row % {step} = 0"
        return self.dataset.database.frame(f"SELECT * FROM ({sql}) WHERE {quote(self.target_name)} IS NOT NULL")


class Monitor(ABC):
    """One watch. Laws: it changes nothing, is quick next to one fit, and the same data gives the same findings."""

    name: ClassVar[str]

    @abstractmethod
    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return what was found."""


def named(columns: Sequence[str], *, at_most: int = 4) -> str:
    """Return names for a sentence.

    Examples
    --------
    >>> named(["a", "b", "c"], at_most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(columns[:at_most])
    return shown if len(columns) <= at_most else f"{shown} and {len(columns) - at_most} more"


def word(name: str) -> str:
    """Return a column's name as a clause writes it.

    Examples
    --------
    >>> word("age"), word("marital status")
    ('age', '"marital status"')
    """
    return name if name.isidentifier() else quote(name)
