"""Gather once what predictions for the same rows are made of, or the columns that several transformers keep of them."""

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

    For neighbors that is the search, for forests the answers of the trees. Transformers that keep few or many columns, such as
    ``k_best`` and ``pca``, are applied to rows once, with the largest value; each shows its columns of these.

    It is gathered with the largest value of this plan or of those that may follow (``context.ahead``).

    Needs ``late`` with ``gathers``: what a smaller value needs is part of what a larger one does. It is not done where so few predict
    that it takes longer (``gathers_for``).

    Law: predictions and columns are those of models and transformers that gather for themselves, in the class of exactness that is
    declared.
    """
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    asked: dict[Fingerprint, Asked] = {}
    values: dict[Asked, list[Value]] = {}
    for planned in plan:
        fit = _cut(planned, tasks, context)
        if fit is not None:
            of = asked[planned.task.fingerprint] = fit.inputs[0], _rows_of(planned.task)
            values.setdefault(of, []).append(_value(fit))
    gathers = {}
    for (whole, rows), found in values.items():
        task, late = tasks[whole.task], _late(tasks[whole.task])
        ahead = _ahead(task, late, found, context)
        most = replace(late, whole=()).whole_of([*found, *ahead])
        if (_pays(late, found) or ahead) and _numbers_of(task, most) <= _MANY:
            gathers[whole, rows] = _gather(task, rows, late, most)
    return replace(plan, tasks=tuple(_replaced(plan, asked, gathers, context))) if gathers else plan


def _pays(late: Late, found: list[Value]) -> bool:
    """Say whether predictions with some values take longer than to gather once."""
    largest = late.whole_of(found) if late.grows else found[0]
    return len(found) > 1 and sum(late.share(value, largest) for value in found) > late.gathers_for


def _cut(planned: PlannedTask, tasks: Mapping[Fingerprint, Task], context: PlanContext) -> Task | None:
    """Return what is cut from a fit and answers for rows in this task, or shapes them, if that can be gathered exactly enough."""
    task = planned.task
    if planned.action is not Action.COMPUTE or task.kind not in {TaskKind.PREDICT, TaskKind.CUT, TaskKind.APPLY}:
        return None
    fit = task if task.kind is TaskKind.CUT else tasks[task.inputs[0].task]
    if fit.kind is not TaskKind.CUT or len(task.inputs) != 2:
        return None
    late = operators.get(fit.operator).late
    return fit if any(_exactness(fit, one, context) <= context.floor for one in late) and _has_number(fit) else None


def _rows_of(task: Task) -> Port:
    return task.inputs[1]


def _exactness(fit: Task, late: Late, context: PlanContext) -> Exactness:
    return context.class_of(_NAME, fit.operator, late.gathers_exactly)


def _numbers_of(fit: Task, value: Value) -> int:
    """Return about how many numbers are gathered: of a model for each neighbor or member one for each class and row."""
    context = dict(fit.context)
    n_rows = whole_number(context["n_rows"])
    if not fit.is_model:
        return n_rows * whole_number(context["n_columns"])
    return n_rows * max(1, whole_number(context["n_classes"])) * whole_number(value)


def _late(fit: Task) -> Late:
    return next(one for one in operators.get(fit.operator).late if one.gathers)


def _ahead(whole: Task, late: Late, found: list[Value], context: PlanContext) -> tuple[Value, ...]:
    """Return the largest value that others may ask for, none if nobody will.

    To gather more columns takes longer, so of a transformer others are awaited only where few fits differ in all else.
    """
    params = {**dict(whole.params), late.name: found[0]}
    every = operators.get(whole.operator).late
    awaited = every if whole.is_model else [replace(one, whole=()) for one in every]
    ahead = context.ahead.largest(whole.operator, params, awaited)
    value = ahead.get(late.name)
    is_one_of_them = isinstance(value, int | float) and late.kind(value) == late.kind(found[0])
    return (value,) if is_one_of_them else ()


def _value(fit: Task) -> Value:
    return dict(fit.params)[_late(fit).name]


def _has_number(fit: Task) -> bool:
    return isinstance(_value(fit), int | float)


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
        given = (*task.inputs, gather.port()) if gather.is_model else (task.inputs[0], gather.port())
        told = replace(task, operator=gather.operator, inputs=given, same_as=task.fingerprint)
        exactness = max(planned.exactness, _exactness(gather, _late(gather), context))
        yield replace(planned, task=told, by=_NAME, exactness=exactness)
