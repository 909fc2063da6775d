"""Keep what a later run or question will ask for again."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask


@rule(Exactness.BITWISE)
def keep_results(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Mark all outputs of the kinds of tasks in ``context.keep`` to be kept.

    ::

        fit → predict → score   ⇒   fit → predict [keep] → score [keep]

    Out-of-fold predictions are always worth their bytes: a new metric then needs no training.
    """
    return replace(plan, tasks=tuple(_kept(planned, context) for planned in plan))


def _kept(planned: PlannedTask, context: PlanContext) -> PlannedTask:
    task = planned.task
    if planned.action is Action.COMPUTE and task.kind in context.keep:
        if context.costs is not None and all(context.kept(task.port(name).key) for name in task.outputs):
            return planned  # kept already, and still cheaper to compute than to load
        return replace(planned, keep=planned.task.outputs)
    return planned
