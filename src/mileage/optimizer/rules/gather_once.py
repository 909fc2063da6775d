"""Gather once what predictions for the same rows are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.late import Late
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "gather_once"
_MANY = 30_000_000  # numbers that are gathered for all rows: 240 MB
Asked = tuple[Port, Port]  # a fit that others are cut from, and rows


@rule(Exactness.BITWISE)
def gather_once(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let models that are cut from one fit, and asked for the same rows, gather what they answer from once.

    ::

        predict knn(k = 3)                               ┌→ predict knn(k = 3)
        predict knn(k = 50)    ⇒    gather knn(k = 50) ──┴→ predict knn(k = 50)

    For neighbors that is the search, for forests the answers of the trees.

    It is gathered with the largest value of this plan or of those that may follow (``context.ahead``).

    Needs ``late`` with ``gathers``: what a smaller value needs is part of what a larger one does. It is not done where so few predict
    that it takes longer (``gathers_for``).

    Law: predictions are those of models that gather for themselves, in the class of exactness that is declared.
    """
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    asked = {p.task.fingerprint: of for p in plan if (of := _asked(p, tasks, context)) is not None}
    values: dict[Asked, list[Value]] = {}
    for name, of in asked.items():
        values.setdefault(of, []).append(_value(tasks[tasks[name].inputs[0].task]))
    gathers = {}
    for (whole, rows), found in values.items():
        task, late = tasks[whole.task], _late(tasks[whole.task])
        ahead = _ahead(task, late, found, context)
        most = max(whole_number(value) for value in (*found, *ahead))
        if (_pays(late, found) or ahead) and most * _numbers_of_one(task) <= _MANY:
            gathers[whole, rows] = _gather(task, rows, late, most)
    return replace(plan, tasks=tuple(_replaced(plan, asked, gathers, context))) if gathers else plan


def _pays(late: Late, found: list[Value]) -> bool:
    """Say whether predictions with some values take longer than to gather once."""
    largest = late.whole_of(found) if late.grows else found[0]
    return len(found) > 1 and sum(late.share(value, largest) for value in found) > late.gathers_for


def _asked(planned: PlannedTask, tasks: Mapping[Fingerprint, Task], context: PlanContext) -> Asked | None:
    """Return the fit and the rows of a prediction, if what it is made of can be gathered exactly enough."""
    task = planned.task
    if task.kind is not TaskKind.PREDICT or planned.action is not Action.COMPUTE:
        return None
    model = tasks[task.inputs[0].task]
    late = operators.get(model.operator).late if model.kind is TaskKind.CUT else ()
    if not any(_exactness(model, one, context) <= context.floor for one in late):
        return None
    return model.inputs[0], task.inputs[1]


def _exactness(model: Task, late: Late, context: PlanContext) -> Exactness:
    return context.class_of(_NAME, model.operator, late.gathers_exactly)


def _numbers_of_one(fit: Task) -> int:
    """Return how many numbers are gathered for one neighbor or member, for all rows: one for each class."""
    context = dict(fit.context)
    return whole_number(context["n_rows"]) * max(1, whole_number(context["n_classes"]))


def _late(fit: Task) -> Late:
    return next(one for one in operators.get(fit.operator).late if one.gathers)


def _ahead(whole: Task, late: Late, found: list[Value], context: PlanContext) -> tuple[Value, ...]:
    """Return the largest value that others may ask for, none if nobody will."""
    params = {**dict(whole.params), late.name: found[0]}
    ahead = context.ahead.largest(whole.operator, params, operators.get(whole.operator).late)
    return (ahead[late.name],) if late.name in ahead else ()


def _value(fit: Task) -> Value:
    return dict(fit.params)[_late(fit).name]


def _gather(whole: Task, rows: Port, late: Late, value: Value) -> Task:
    params = tuple({**dict(whole.params), late.name: value}.items())
    label = f"gather {whole.operator}({late.name} = {value})"
    inputs = (whole.port("state"), rows)
    return replace(
        whole, kind=TaskKind.GATHER, params=params, inputs=inputs, outputs=("out",), label=label, same_as=None
    )


def _replaced(
    plan: PhysicalPlan, asked: Mapping[Fingerprint, Asked], gathers: Mapping[Asked, Task], context: PlanContext
) -> Iterator[PlannedTask]:
    made = set()
    for planned in plan:
        task, of = planned.task, asked.get(planned.task.fingerprint)
        if of is None or of not in gathers:
            yield planned
            continue
        gather = gathers[of]
        if gather.fingerprint not in made:
            made.add(gather.fingerprint)
            yield PlannedTask(gather, by=_NAME)
        told = replace(task, operator=gather.operator, inputs=(*task.inputs, gather.port()), same_as=task.fingerprint)
        exactness = max(planned.exactness, _exactness(gather, _late(gather), context))
        yield replace(planned, task=told, by=_NAME, exactness=exactness)
