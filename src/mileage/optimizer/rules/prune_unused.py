"""Drop tasks whose outputs nobody needs any more."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan


@rule(Exactness.BITWISE)
def prune_unused(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Prune what only loaded tasks would have read.

    ::

        take → fit → predict [load]   ⇒   take [prune] → fit [prune] → predict [load]
    """
    del context
    needed = {port.task for port in plan.wanted}
    for planned in reversed(plan.tasks):
        if planned.task.fingerprint in needed and planned.action is Action.COMPUTE:
            needed |= {port.task for port in planned.task.inputs}
    if all(planned.task.fingerprint in needed for planned in plan):
        return plan
    return replace(
        plan,
        tasks=tuple(
            planned
            if planned.task.fingerprint in needed
            else replace(planned, action=Action.PRUNE, reason="not needed")
            for planned in plan
        ),
    )
