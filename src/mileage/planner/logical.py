"""The logical plan: what a query means for this data."""

from __future__ import annotations

from dataclasses import dataclass, field

from mileage.core.exactness import DEFAULT_FLOOR, Exactness
from mileage.core.findings import Finding
from mileage.core.reasons import Reason
from mileage.data import Dataset, Profile, SplitSpec, TargetProfile
from mileage.language.ast import Metric, Predict
from mileage.results import Requirement
from mileage.space import SearchSpace
from mileage.workflow import Features, Setting


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something the query left open, how it was filled, and the clause that would say it."""

    text: str
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """``UNTIL metric op value``: the search stops once the best workflow meets it."""

    metric: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """What a search may spend; None is no limit."""

    seconds: float | None = None
    trials: int | None = None
    memory_bytes: int | None = None
    cores: int | None = None
    until: Goal | None = None
    patience_trials: int | None = None
    patience_s: float | None = None

    @property
    def sure_trials(self) -> int | None:
        """How many trials there will be, if the space has as many; None if that hangs on a clock or on scores.

        Examples
        --------
        >>> BudgetPlan(trials=5).sure_trials, BudgetPlan(trials=5, seconds=60).sure_trials
        (5, None)
        """
        ends = (self.seconds, self.until, self.patience_trials, self.patience_s)
        return self.trials if all(end is None for end in ends) else None


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric call as written, its name and its direction."""

    call: str
    greater_is_better: bool
    metric: Metric | None = None


@dataclass(frozen=True)
class LogicalPlan:
    """Space, objectives, validation and budget of one query, names resolved.

    ``validation`` is how each workflow is scored, ``confirmation`` how the best of many are again before one is chosen.
    ``larger`` holds tables with the rows of ``dataset`` and more, on the largest of which the answer is fitted that there is time for.
    """

    query: Predict
    dataset: Dataset
    profile: Profile
    target: str
    target_profile: TargetProfile
    features: Features
    setting: Setting
    validation: SplitSpec
    objectives: tuple[Objective, ...]
    space: SearchSpace
    budget: BudgetPlan
    requirements: tuple[Requirement, ...] = ()
    n_results: int = 5
    diverse: bool = False
    seed: int = 0
    name: str | None = None
    test: Dataset | None = None
    larger: tuple[Dataset, ...] = ()
    confirmation: SplitSpec | None = None
    hints: tuple[tuple[str, object], ...] = ()
    dropped: tuple[tuple[str, Reason], ...] = ()
    known: tuple[tuple[str, str], ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def rules_off(self) -> frozenset[str]:
        """The rules of the optimizer that ``HINT (off = ...)`` switches off."""
        return frozenset(str(value) for name, value in self.hints if name == "off")

    @property
    def n_scored(self) -> float:
        """About how many rows are predicted for one score."""
        return self.validation.n_scored(self.setting.n_rows) if self.test is None else float(self.test.n_rows)

    @property
    def floor(self) -> Exactness:
        """The weakest class of exactness that ``HINT (exactness = ...)`` allows what is shared."""
        said = dict(self.hints).get("exactness")
        return DEFAULT_FLOOR if said is None else Exactness.of(str(said))

    @property
    def task(self) -> str:
        """``binary``, ``multiclass`` or ``regression``."""
        return self.target_profile.task

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of their codes; for a binary target the positive class is the last."""
        t = self.target_profile
        if t.task == "binary" and t.positive is not None:
            return (*[c for c in t.classes if c != t.positive], t.positive)
        return tuple(t.classes)
