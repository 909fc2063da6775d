"""Fit the largest ensemble of a family once, and cut it back to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import Operator, operators
from mileage.operators.cutting import can_be_cut
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Task, TaskKind

_NAME = "cut_from_largest"
Family = tuple[Task, str]  # a fit without the parameter, and its name


@rule(Exactness.BITWISE)
def cut_from_largest(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let fits that differ in how many members an ensemble has be parts of the largest one.

    ::

        fit forest(n = 10)                                       ┌→ cut to n = 10
        fit forest(n = 50)      ⇒     largest forest(n = 50)   ──┴→ cut to n = 50

    The largest value is that of this plan, or one that later plans may ask for (``context.ahead``): then a fit alone is
    cut, too. Needs ``prefix``: members are made one after the other, and the first ones do not depend on how many follow.

    Law: a fit cut back predicts bit by bit what a smaller fit does.
    """
    family = {p.task.fingerprint: of for p in plan if p.action is Action.COMPUTE and (of := _family(p.task))}
    values: dict[Family, set[int]] = {}
    for planned in plan:
        if (of := family.get(planned.task.fingerprint)) is not None:
            values.setdefault(of, set()).add(_value(planned.task, of[1]))
    largest: dict[Family, Task] = {}
    for of, found in values.items():
        most = max(*found, context.ahead.get((of[0].operator, of[1]), 0))
        if len(found) > 1 or most > max(found) or (of[0].operator, of[1]) in context.ahead:
            largest[of] = _largest(of, most)
    return replace(plan, tasks=tuple(_replaced(plan, family, largest)))


def parts_of_fits(plan: PhysicalPlan) -> Mapping[Fingerprint, tuple[Fingerprint, float]]:
    """Return for each fit that is cut from a larger one: that one's task, and the share of its members."""
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    return {
        task.fingerprint: (task.inputs[0].task, _share(task, tasks[task.inputs[0].task]))
        for task in tasks.values()
        if task.kind is TaskKind.CUT
    }


def _share(part: Task, whole: Task) -> float:
    name = operators.get(part.operator).traits.prefix[0]
    return _value(part, name) / _value(whole, name)


def _replaced(
    plan: PhysicalPlan, family: dict[Fingerprint, Family], largest: dict[Family, Task]
) -> Iterator[PlannedTask]:
    made = set()
    for planned in plan:
        whole = largest.get(family[planned.task.fingerprint]) if planned.task.fingerprint in family else None
        if whole is None:
            yield planned
            continue
        if whole.fingerprint not in made:
            made.add(whole.fingerprint)
            yield PlannedTask(whole, by=_NAME)
        yield replace(planned, task=_cut(planned.task, whole), by=_NAME)


def _family(task: Task) -> Family | None:
    """Return what a fit has in common with those it can share members with; None if there are none such."""
    operator: Operator | None = operators.find(task.operator) if task.kind is TaskKind.FIT else None
    if operator is None or not can_be_cut(operator):
        return None
    name = operator.traits.prefix[0]
    rest = tuple((key, value) for key, value in task.params if key != name)
    return replace(task, params=rest, label="", step=task.step), name


def _value(task: Task, name: str) -> int:
    value = dict(task.params)[name]
    assert isinstance(value, int)
    return value


def _largest(of: Family, value: int) -> Task:
    common, name = of
    params = tuple(sorted((*common.params, (name, value))))
    label = f"fit the largest {common.operator}({name} = {value})"
    return replace(common, kind=TaskKind.LARGEST, params=params, outputs=("state",), label=label)


def _cut(fit: Task, whole: Task) -> Task:
    return replace(
        fit,
        kind=TaskKind.CUT,
        inputs=(whole.port("state"),),
        same_as=fit.fingerprint,
        label=f"cut {fit.label.removeprefix('fit ')} from the largest",
    )
