"""Put columns in bins once for all fits of boosted trees on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mileage.core.domains import whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.bins import Binned
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Task, TaskKind

_NAME = "bin_once"
_FEWEST_ROWS = 4000  # on fewer, bins are some hundredths of a fit


@rule(Exactness.BITWISE)
def bin_once(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let fits of boosted trees on the same rows, with other parameters, be given the bins of their columns.

    ::

        fit lightgbm(num_leaves = 8)              bin ┬→ fit lightgbm(num_leaves = 8)
        fit lightgbm(num_leaves = 31)      ⇒          └→ fit lightgbm(num_leaves = 31)

    Bins are those of the train rows of the fit, never of others, and what they depend on is part of their identity. They are bytes
    that go to any process. In a search, where other fits may follow, those of one fit are made apart, too.

    Needs ``Binned``, and rows enough.

    Law: what is fitted is the same bit by bit.
    """
    fits = [planned.task for planned in plan if planned.action is Action.COMPUTE and _can_share(planned.task, context)]
    bins = {fit.fingerprint: _bins_of(fit) for fit in fits}
    readers = Counter(made.fingerprint for made in bins.values())
    shared = {name: made for name, made in bins.items() if context.shares or readers[made.fingerprint] > 1}
    return replace(plan, tasks=tuple(_replaced(plan, shared))) if shared else plan


def _can_share(fit: Task, context: PlanContext) -> bool:
    if fit.kind not in {TaskKind.FIT, TaskKind.WHOLE} or not isinstance(operators.find(fit.operator), Binned):
        return False
    exact = context.class_of(_NAME, fit.operator, Exactness.BITWISE) <= context.floor
    return exact and (context.rates is None or whole_number(dict(fit.context)["n_rows"]) >= _FEWEST_ROWS)


def _bins_of(fit: Task) -> Task:
    """Return the task that puts the columns of a fit in bins."""
    operator = operators.get(fit.operator)
    assert isinstance(operator, Binned)
    params = tuple(operator.bin_params(dict(fit.params)).items())
    label = f"put columns in bins for {fit.operator}"
    return Task(TaskKind.BIN, fit.operator, params, fit.context, fit.versions, fit.inputs[:1], label=label)


def _replaced(plan: PhysicalPlan, bins: Mapping[Fingerprint, Task]) -> Iterator[PlannedTask]:
    made: set[Fingerprint] = set()
    for planned in plan:
        task, binned = planned.task, bins.get(planned.task.fingerprint)
        if binned is None:
            yield planned
            continue
        if binned.fingerprint not in made:
            made.add(binned.fingerprint)
            yield PlannedTask(binned, by=_NAME)
        yield replace(
            planned,
            task=replace(task, inputs=(*task.inputs, binned.port()), same_as=task.fingerprint),
            by=_NAME,
        )
