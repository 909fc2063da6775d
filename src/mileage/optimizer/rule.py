"""What a rewrite rule is, and the one wrapper that runs any rule."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any

from mileage.core.domains import Value
from mileage.core.exactness import DEFAULT_FLOOR, Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.errors import InternalError
from mileage.optimizer.ahead import Ahead
from mileage.optimizer.provenance import Traced
from mileage.optimizer.rates import Rates
from mileage.workflow import Action, PhysicalPlan, Port, Task


@dataclass(frozen=True)
class PlanContext:
    """What rules may ask: which artifacts are kept, which tasks are already under way, whether more plans will come.

    ``kept`` says whether an artifact key can be loaded; ``known`` are fingerprints that the engine of this run has
    computed or is computing. ``off`` are rules that do not run, ``floor`` is the weakest class of exactness that any may give.
    ``rates`` are what work costs on this machine; without them it is taken to pay to share whatever can be.
    ``ahead`` tells what later plans may ask for; ``siblings``, where each configuration has splits of its own, for a fit and the name
    of a parameter the splits of those that differ in its value.
    ``demoted`` holds, by rule and operator, how exactly a rule was seen to work where that is less than it claims.
    ``levels`` is how many values all categories together have, None if nobody knows.
    ``rungs`` are the samples that a search has grown through before: their sums are there.
    ``traced`` are tasks of earlier plans of a search that were checked for leaks.
    ``costs`` gives seconds to compute a task and to load it, None where it is not kept. ``fitted`` gives a fitted step that is
    kept, ``bounds`` the ends of a column of the new rows and whether values may be missing.
    """

    kept: Callable[[str], bool] = lambda _key: False
    known: frozenset[Fingerprint] = frozenset()
    shares: bool = True
    off: frozenset[str] = frozenset()
    floor: Exactness = DEFAULT_FLOOR
    keep: frozenset[str] = field(default_factory=frozenset)
    ahead: Ahead = field(default_factory=Ahead)
    siblings: Callable[[Task, str], Mapping[Value, Task]] = lambda _fit, _name: {}
    demoted: Mapping[tuple[str, str], Exactness] = field(default_factory=dict)
    levels: int | None = None
    rungs: tuple[Task, ...] = ()
    rates: Rates | None = None
    traced: Traced | None = None
    costs: Callable[[Task], tuple[float, float | None]] | None = None
    fitted: Callable[[Port], Any] | None = None
    bounds: Callable[[str], tuple[float, float, bool]] = lambda _column: (-math.inf, math.inf, True)

    def class_of(self, rule: str, operator: str, claimed: Exactness) -> Exactness:
        """Return how exactly what a rule does with an operator may be relied on.

        Examples
        --------
        >>> context = PlanContext(demoted={("bind_late", "pca"): Exactness.BROKEN})
        >>> (
        ...     str(context.class_of("bind_late", "pca", Exactness.FP)),
        ...     str(context.class_of("bind_late", "knn", Exactness.FP)),
        ... )
        ('broken', 'fp')
        """
        return max(claimed, self.demoted.get((rule, operator), claimed))


Rewrite = Callable[[PhysicalPlan, PlanContext], PhysicalPlan]


class Rule:
    """A rewrite and the class of exactness of what it gives, at its best.

    A rule whose class depends on the operator looks at ``context.floor`` itself; what it makes, it marks by ``by`` and
    ``exactness`` of the planned task.
    """

    __name__: str

    def __init__(self, rewrite: Rewrite, exactness: Exactness) -> None:
        update_wrapper(self, rewrite)
        self.rewrite, self.exactness = rewrite, exactness

    def __call__(self, plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
        """Return the plan rewritten, not verified: :func:`run_rule` does that."""
        return self.rewrite(plan, context)


def rule(exactness: Exactness) -> Callable[[Rewrite], Rule]:
    """Return a decorator that makes a function a rule of a class of exactness.

    Examples
    --------
    >>> @rule(Exactness.BITWISE)
    ... def leave(plan, context):
    ...     return plan
    >>> leave.__name__, str(leave.exactness)
    ('leave', 'bitwise')
    """
    return lambda rewrite: Rule(rewrite, exactness)


@dataclass(frozen=True, slots=True)
class Applied:
    """The record of one rule on one plan: tasks to be computed before and after."""

    rule: str
    before: int
    after: int
    seconds: float

    @property
    def saved(self) -> int:
        """How many tasks need not be computed any more."""
        return self.before - self.after


def run_rule(rule: Rule, plan: PhysicalPlan, context: PlanContext) -> tuple[PhysicalPlan, Applied | None]:
    """Run one rule: switched off, or below the floor? then time, run, verify, record."""
    name = rule.__name__
    if name in context.off or rule.exactness > context.floor:
        return plan, None
    started = time.perf_counter()
    new = rule(plan, context)
    before = _work(plan)
    if new is plan:  # nothing to do
        return plan, Applied(name, before, before, time.perf_counter() - started)
    verify(new, name)
    return new, Applied(name, before, _work(new), time.perf_counter() - started)


def weakest(plan: PhysicalPlan) -> Exactness:
    """Return the weakest class of exactness of what a plan makes, loads or leaves out.

    Examples
    --------
    >>> str(weakest(PhysicalPlan((), (), ())))
    'bitwise'
    """
    return max((planned.exactness for planned in plan), default=Exactness.BITWISE)


def verify(plan: PhysicalPlan, rule: str) -> None:
    """Check that a plan can run: inputs come first, nothing computed reads what is pruned, wanted ports exist.

    Raises
    ------
    InternalError
        If a rule broke the plan.
    """
    ready: set[Fingerprint] = set()
    for planned in plan:
        if planned.action is Action.COMPUTE:
            for port in planned.task.inputs:
                if port.task not in ready:
                    message = f"rule {rule}: {planned.task.label} reads what is not there"
                    raise InternalError(message)
        if planned.action is not Action.PRUNE:
            ready.add(planned.task.fingerprint)
    if any(port.task not in ready for port in plan.wanted):
        message = f"rule {rule}: a wanted result is not planned"
        raise InternalError(message)


def _work(plan: PhysicalPlan) -> int:
    return plan.count(Action.COMPUTE)
