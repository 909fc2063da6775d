"""Load what is kept instead of computing it again."""

from __future__ import annotations

import operator
from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, TaskKind

_CHEAP = {TaskKind.TAKE, TaskKind.TARGET, TaskKind.SOURCE, TaskKind.DEAL, TaskKind.RESHUFFLE, TaskKind.JOIN}


@rule(Exactness.BITWISE)
def load_kept(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Load a task all of whose outputs are kept.

    ::

        take → fit → predict            take → fit → predict [load]

    Cheap row selections are not looked up. Where costs are known the choice was made by them, and stands.
    """
    if context.costs is not None:
        return plan
    tasks = tuple([_loaded(planned, context) for planned in plan])
    return plan if all(map(operator.is_, tasks, plan.tasks)) else replace(plan, tasks=tasks)


def _loaded(planned: PlannedTask, context: PlanContext) -> PlannedTask:
    task = planned.task
    if task.kind in _CHEAP:
        return planned
    if all(context.kept(task.port(output).key) for output in task.outputs):
        return replace(planned, action=Action.LOAD, reason="kept by an earlier run")
    return planned
