"""Merge tasks with equal fingerprints."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import PhysicalPlan, PlannedTask


@rule(Exactness.BITWISE)
def merge_equal_tasks(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Keep one of the tasks that are the same computation.

    ::

        take → median → logistic(C = 1)              take → median ─┬→ logistic(C = 1)
        take → median → logistic(C = 9)      ⇒                      └→ logistic(C = 9)

    Law: a task is its fingerprint, so results are bit-equal.
    """
    del context
    merged: dict[str, PlannedTask] = {}
    for planned in plan:
        merged.setdefault(planned.task.fingerprint, planned)
    return plan if len(merged) == len(plan.tasks) else replace(plan, tasks=tuple(merged.values()))
