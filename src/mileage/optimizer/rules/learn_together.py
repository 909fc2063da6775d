"""Learn together what differs in one parameter, answer for all of it with one product, and score it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mileage.core.domains import Value
from mileage.core.exactness import Exactness
from mileage.operators import operators
from mileage.operators.from_sums import FromSums
from mileage.operators.together import Together
from mileage.optimizer.parts import context_of
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.together import Taking, made_together
from mileage.workflow import PhysicalPlan, Task, TaskKind

_NAME = "learn_together"


@rule(Exactness.FP)
def learn_together(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let models that are learned from the same sums with different values be learned, asked and scored as one.

    ::

        learn ridge(alpha = 1) → predict → score
        learn ridge(alpha = 9) → predict → score
        ⇒ learn ridge(2 values of alpha) → answer ─┬→ score ─┬→ score (alpha = 1)
                                                   │         └→ score (alpha = 9)
                                                   ├→ predict (alpha = 1)
                                                   └→ predict (alpha = 9)

    The values are those of this plan and those that may follow (``context.ahead``). Predictions of each are there for whoever
    asks for them, such as a blend; for scores nobody does. On splits of its own a model is learned alone, but in the same form, so that
    its scores may be told from sums, too.

    Needs ``Together``: the operator learns with many values from the sums that one fit needs.

    Law: predictions and scores are the same but for rounding.
    """
    own_splits = any(planned.task.kind is TaskKind.RESHUFFLE for planned in plan)
    label, fewest = "learn {} from sums", 1 if own_splits else 2
    together = made_together(plan, context, lambda task: _parameters(task, context), _can_learn, label, fewest)
    if not together:
        return plan
    return replace(plan, tasks=tuple(Taking(plan, together, _NAME, Exactness.FP).tasks()))


def _parameters(task: Task, context: PlanContext) -> tuple[str, ...]:
    """Return, as a tuple, the parameter with whose values a model can be learned together, if it is learned from sums."""
    if task.kind is not TaskKind.LEARN or not task.is_model:
        return ()
    operator = operators.find(task.operator)
    if not isinstance(operator, Together) or context.class_of(_NAME, operator.name, Exactness.FP) > context.floor:
        return ()
    return (operator.together,)


def _can_learn(common: Task, values: Mapping[str, Value]) -> bool:
    operator = operators.get(common.operator)
    assert isinstance(operator, Together)
    assert isinstance(operator, FromSums)
    return operator.can_learn({**dict(common.params), **values}, context_of(common))
