"""Fit together, in rounds that one product answers, what asks for losses and slopes on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.operators import operators
from mileage.operators.together import Fused
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.together import Taking, made_together
from mileage.workflow import PhysicalPlan, Task, TaskKind

_NAME = "fuse_fits"
_FEWEST_CELLS = 20_000  # of the train rows: with fewer a fit is too short to be worth the rounds
_MOST_CLASSES = 5  # with more, the product of one model alone is wide enough


@rule(Exactness.OPT_EQUAL)
def fuse_fits(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let minimizers that differ in their penalty ask for losses together: margins and slopes of all are one product each.

    ::

        fit logistic(C = 0.1) → predict → score
        fit logistic(C = 9.0) → predict → score
        ⇒ fit logistic(2 values of C) → answer ─┬→ score ─┬→ score (C = 0.1)
                    │                            │         └→ score (C = 9.0)
                    └→ cut (C = 0.1), (C = 9.0)  └→ predict (C = 0.1), (C = 9.0)

    Each is the solver of scikit-learn, asks where it stands, and leaves when it is done; that of a lasso goes on from the penalty before. The values are those of this plan and
    those that will follow (``context.ahead``).

    Needs ``Fused``, and enough rows for products to be what takes the time.

    Law: what is fitted answers as a fit alone, within the tolerance at which the solver stops.
    """
    together = made_together(plan, context, lambda task: _parameters(task, context), _can_fuse, "fit {}")
    if not together:
        return plan
    return replace(plan, tasks=tuple(Taking(plan, together, _NAME, Exactness.OPT_EQUAL).tasks()))


def _parameters(task: Task, plan: PlanContext) -> tuple[str, ...]:
    """Return, as a tuple, the parameter with whose values a model can be fitted together, if that pays."""
    if task.kind is not TaskKind.FIT or not task.is_model:
        return ()
    operator = operators.find(task.operator)
    if not isinstance(operator, Fused) or not operator.can_fuse(dict(task.params)):
        return ()
    if plan.class_of(_NAME, operator.name, Exactness.OPT_EQUAL) > plan.floor:
        return ()
    context = dict(task.context)
    n_rows, n_columns, n_classes = (whole_number(context[name]) for name in ("n_rows", "n_columns", "n_classes"))
    pays = plan.rates is None or (n_rows * n_columns >= _FEWEST_CELLS and n_classes <= _MOST_CLASSES)
    return (operator.together,) if pays else ()


def _can_fuse(common: Task, values: Mapping[str, Value]) -> bool:
    operator = operators.get(common.operator)
    assert isinstance(operator, Fused)
    return operator.can_fuse({**dict(common.params), **values})
