"""Load, compute or prune each task, such that the plan costs least."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.optimizer.reuse import Choice, choose_actions
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import PhysicalPlan


@rule(Exactness.BITWISE)
def choose_reuse(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Choose the actions of all tasks at once, by their measured costs.

    ::

        read (2 s, kept) → clean (0.1 s, kept) → fit (9 s) → predict
        ⇒ read [prune] → clean [load] → fit → predict

    Where no costs are known the plan stays as it is, and simpler rules follow.
    """
    if context.costs is None:
        return plan
    place = {planned.task.fingerprint: i for i, planned in enumerate(plan.tasks)}
    wanted = {port.task for port in plan.wanted}
    costs = [context.costs(planned.task) for planned in plan]
    choices = [
        Choice(
            compute_s,
            load_s,
            tuple(dict.fromkeys(place[port.task] for port in planned.task.inputs)),
            planned.task.fingerprint in wanted,
        )
        for planned, (compute_s, load_s) in zip(plan, costs, strict=True)
    ]
    actions = choose_actions(choices)
    return replace(
        plan, tasks=tuple(replace(planned, action=action) for planned, action in zip(plan, actions, strict=True))
    )
