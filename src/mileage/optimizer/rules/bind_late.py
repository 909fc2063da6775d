"""Fit once what fits differ in only at their end, and cut it back to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.from_sums import FromSums
from mileage.operators.late import Late
from mileage.optimizer.parts import context_of
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Task, TaskKind

_NAME = "bind_late"


@rule(Exactness.BITWISE)
def bind_late(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let fits that differ in what they read last be cut from one fit.

    ::

        fit forest(n = 10)                                    ┌→ cut to n = 10
        fit forest(n = 50)      ⇒     whole forest(n = 50)  ──┴→ cut to n = 50

    The one fit holds what those with any value learn: every score for ``k_best``, all components for ``pca``, as many trees
    as the largest forest has, in this plan or in those that may follow (``context.ahead``). So a fit alone is cut, too, where
    others may follow.

    Where sums over the train rows say all (``from_sums``), they take the place of the one fit.

    Needs ``late``: the registry of traits says for the classes that an operator builds how exact a cut is. What is weaker than
    ``context.floor`` is not cut, nor what is read before it.

    Law: a fit cut back answers as a fit with the smaller value, in the class of exactness that is declared.
    """
    families: dict[Task, _Family] = {}
    of: dict[Fingerprint, _Family] = {}
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    for planned in plan:
        late = _late(planned, context, tasks)
        if late:
            made = families.setdefault(_common(planned.task, late), _Family(late))
            made.add(planned.task)
            of[planned.task.fingerprint] = made
    wholes = {fit: whole for fit, family in of.items() if (whole := family.whole(context)) is not None}
    return replace(plan, tasks=tuple(_replaced(plan, wholes, context))) if wholes else plan


@dataclass
class _Family:
    """Fits that are the same but for what they read last."""

    late: tuple[Late, ...]
    fits: dict[Fingerprint, Task] = field(default_factory=dict)

    def add(self, fit: Task) -> None:
        self.fits[fit.fingerprint] = fit

    def whole(self, context: PlanContext) -> Task | None:
        """Return the fit that all are cut from, if there are several or others may follow."""
        one = next(iter(self.fits.values()))
        ahead = context.ahead.largest(one.operator, dict(one.params), self.late)
        if len(self.fits) == 1 and not ahead:
            return None
        params = dict(one.params)
        for late in self.late:
            asked = [dict(fit.params)[late.name] for fit in self.fits.values()]
            params[late.name] = late.whole_of(
                [*asked, ahead[late.name]] if late.name in ahead and late.grows else asked
            )
        return _whole(one, params, self.late)


def _late(planned: PlannedTask, plan: PlanContext, tasks: Mapping[Fingerprint, Task]) -> tuple[Late, ...]:
    """Return the late parameters of a fit that can be cut: the last ones, down to the first that is not exact enough."""
    task = planned.task
    operator = operators.find(task.operator) if task.kind is TaskKind.FIT and planned.action is Action.COMPUTE else None
    late = operator.late if operator is not None else ()
    if not late:
        return ()
    if any(one.from_sums for one in late) and not _has_sums(task, tasks):
        return ()
    classes = [plan.class_of(_NAME, task.operator, one.exactness) for one in late]
    return late[max((i + 1 for i, one in enumerate(classes) if one > plan.floor), default=0) :]


def _has_sums(fit: Task, tasks: Mapping[Fingerprint, Task]) -> bool:
    """Say whether a fit can be told from sums: it has more rows than columns, and no column is sparse."""
    operator, context = operators.get(fit.operator), dict(fit.context)
    assert isinstance(operator, FromSums)
    before = tasks[fit.inputs[0].task]
    while before.kind is not TaskKind.JOIN:
        if not before.inputs:
            return False
        rows = before.inputs[1] if before.kind is TaskKind.CUT else before.inputs[0]
        before = tasks[rows.task]
    few = whole_number(context["n_columns"]) <= whole_number(context["n_rows"])
    return few and bool(dict(before.params)["dense"]) and operator.can_learn(dict(fit.params), context_of(fit))


def _common(fit: Task, late: tuple[Late, ...]) -> Task:
    """Return what a fit has in common with those that are cut from the same one."""
    params = dict(fit.params)
    kinds: dict[str, Value] = {one.name: one.kind(params[one.name]) for one in late}
    return replace(fit, params=tuple({**params, **kinds}.items()), label="", step="")


def _whole(fit: Task, params: Mapping[str, Value], late: tuple[Late, ...]) -> Task:
    if any(one.from_sums for one in late):
        return _sums(fit)
    shown = ", ".join(f"{one.name} = {params[one.name]}" if one.grows else f"any {one.name}" for one in late)
    label = f"fit the whole {fit.operator}({shown})"
    return replace(fit, kind=TaskKind.WHOLE, params=tuple(params.items()), outputs=("state",), label=label)


def _sums(fit: Task) -> Task:
    operator, context = operators.get(fit.operator), dict(fit.context)
    assert isinstance(operator, FromSums)
    n_classes = 0 if context["task"] == "regression" else context["n_classes"]
    params: tuple[tuple[str, Value], ...] = (("n_classes", n_classes), ("products", operator.products))
    label = f"sum up the rows for {fit.operator}"
    return replace(fit, kind=TaskKind.SUMS, params=params, outputs=("out",), is_model=False, label=label)


def _replaced(plan: PhysicalPlan, wholes: Mapping[Fingerprint, Task], context: PlanContext) -> Iterator[PlannedTask]:
    made = set()
    for planned in plan:
        whole = wholes.get(planned.task.fingerprint)
        if whole is None:
            yield planned
            continue
        if whole.fingerprint not in made:
            made.add(whole.fingerprint)
            yield PlannedTask(whole, by=_NAME)
        exactness = max(planned.exactness, _exactness(planned.task, whole, context))
        yield replace(planned, task=_cut(planned.task, whole), by=_NAME, exactness=exactness)


def _exactness(fit: Task, whole: Task, plan: PlanContext) -> Exactness:
    """Return the weakest class of what is cut; where nothing is, it is the fit itself."""
    if whole.kind is TaskKind.SUMS:
        return plan.class_of(_NAME, fit.operator, Exactness.FP)
    asked, has = dict(fit.params), dict(whole.params)
    late = operators.get(fit.operator).late
    differ = [one.exactness for one in late if asked[one.name] != has[one.name]]
    return plan.class_of(_NAME, fit.operator, max(differ)) if differ else Exactness.BITWISE


def _cut(fit: Task, whole: Task) -> Task:
    """Return the task that cuts a fit; that of a transformer reads the train rows, too, and gives its output for them."""
    if whole.kind is TaskKind.SUMS:
        label = f"learn {fit.label.removeprefix('fit ')} from sums"
        return replace(fit, kind=TaskKind.LEARN, inputs=(whole.port(),), same_as=fit.fingerprint, label=label)
    rows = () if fit.is_model else fit.inputs[:1]
    label = f"cut {fit.label.removeprefix('fit ')} from the whole"
    return replace(fit, kind=TaskKind.CUT, inputs=(whole.port("state"), *rows), same_as=fit.fingerprint, label=label)
