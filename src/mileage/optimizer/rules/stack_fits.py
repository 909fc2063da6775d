"""Train on one stream of batches, in steps that are made for all at once, networks that differ in how they learn."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.operators import operators
from mileage.operators.batched import Batched
from mileage.optimizer.parts import context_of
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.together import Taking, made_together
from mileage.workflow import PhysicalPlan, Task, TaskKind

_NAME = "stack_fits"
# times sooner, of so many fits: with less, what is saved is not worth that they wait for each other
_PAYS, _OF = 1.3, 8


@rule(Exactness.FP)
def stack_fits(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let networks that differ in penalty or rate go through the same batches together: their weights are stacked.

    ::

        fit mlp(alpha = 0.1, learning_rate_init = 0.01) → predict → score
        fit mlp(alpha = 9.0, learning_rate_init = 0.001) → predict → score
        ⇒ fit mlp(2 values of alpha, learning_rate_init) → answer ─┬→ score ─┬→ score (alpha = 0.1, …)
                    │                                              │         └→ score (alpha = 9.0, …)
                    └→ cut (alpha = 0.1, …), (alpha = 9.0, …)      └→ predict (alpha = 0.1, …), (alpha = 9.0, …)

    All draw the same first weights and the same order of rows, as they have the same shape and seed. Each stops where it would alone. The
    values are those of this plan and those that will follow (``context.ahead``).

    Needs ``Batched``, and layers so narrow that a step is calls rather than products.

    Law: what is fitted is the fit alone, and answers as it does, but for rounding of scores.
    """
    together = made_together(plan, context, lambda task: _parameters(task, context), lambda *_: True, "fit {}")
    if not together:
        return plan
    return replace(plan, tasks=tuple(Taking(plan, together, _NAME, Exactness.FP).tasks()))


def _parameters(task: Task, plan: PlanContext) -> tuple[str, ...]:
    """Return the parameters with whose values a model can be trained together, if that pays."""
    operator = operators.find(task.operator) if task.kind is TaskKind.FIT and task.is_model else None
    if not isinstance(operator, Batched) or plan.class_of(_NAME, operator.name, Exactness.FP) > plan.floor:
        return ()
    params = dict(task.params)
    pays = plan.rates is None or operator.times_sooner(params, context_of(task), _OF) >= _PAYS
    return operator.batched if pays and operator.can_batch(params) else ()
