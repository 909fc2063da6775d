"""Which tasks of a plan had part of their work done in another one: it belongs to the time of the trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mileage.core.domains import whole_number
from mileage.core.fingerprint import Fingerprint
from mileage.operators import BuildContext, operators
from mileage.operators.batched import Batched
from mileage.operators.from_sums import FromSums
from mileage.operators.together import Fused
from mileage.optimizer.rates import Rates
from mileage.workflow import PhysicalPlan, Port, Task, TaskKind

_SAVED = 3.0  # how much sooner many are fitted in rounds than one by one, for a forecast of the refit
_FITS = {TaskKind.FIT, TaskKind.WHOLE, TaskKind.CUT, TaskKind.LEARN, TaskKind.TOGETHER}
_TOLD = {TaskKind.PREDICT, TaskKind.CUT, TaskKind.APPLY}  # out of what is gathered, where something is
Part = tuple[Fingerprint, float]


def parts_of_tasks(plan: PhysicalPlan) -> Mapping[Fingerprint, tuple[Part, ...]]:
    """Return for each task that others have prepared: these, and the share of their time that this one alone would take."""
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    together = {task.inputs[0]: task.fingerprint for task in tasks.values() if task.kind is TaskKind.TOGETHER}
    found = {task.fingerprint: tuple(_parts(task, tasks, together)) for task in tasks.values()}
    return {name: parts for name, parts in found.items() if parts}


def forecast_sums_s(plan: PhysicalPlan, rates: Rates) -> Mapping[Fingerprint, float]:
    """Return the seconds that each task of a plan that sums up rows will take."""
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    found: dict[Fingerprint, float] = {}
    for task in (task for task in tasks.values() if task.kind is TaskKind.LEARN and task.is_model):
        parts = lifted(tasks[task.inputs[0].task].inputs[0], tasks)
        if all(tasks[tasks[part].inputs[-1].task].kind is TaskKind.DEAL for part in parts):
            found |= {part: fit_scan_s(task, rates) / (len(parts) + 1) for part in parts}
    return found


def context_of(fit: Task) -> BuildContext:
    """Return what is known when a fit's estimator is built.

    Examples
    --------
    >>> context_of(Task(TaskKind.FIT, context=(("n_rows", 9), ("branch", "numeric")))).n_rows
    9
    """
    context: dict[str, Any] = dict(fit.context)
    return BuildContext(**context)


def lifted(state: Port, tasks: Mapping[Fingerprint, Task]) -> tuple[Fingerprint, ...]:
    """Return the tasks that sum up the rows that are in a state; none if it is not one of splits."""
    task = tasks.get(state.task)
    if task is None or task.kind not in {TaskKind.LIFT, TaskKind.MERGE}:
        return ()
    if task.kind is TaskKind.LIFT:
        return (task.fingerprint,)
    parts = (part for i, part in enumerate(task.inputs) if state.output != f"without_{i}")
    return tuple(dict.fromkeys(name for part in parts for name in lifted(part, tasks)))


def fit_scan_s(fit: Task, rates: Rates) -> float:
    """Return the seconds that a model fitted from sums takes to look at all rows of its data once."""
    context, operator = dict(fit.context), operators.get(fit.operator)
    n_rows, n_columns = whole_number(context["n_rows"]), whole_number(context["n_columns"])
    return rates.scan_s(n_rows, n_columns, products=isinstance(operator, FromSums) and operator.products)


def fit_rows_s(fit: Task, rates: Rates) -> float:
    """Return the seconds that fitting a model on all rows takes for these, by the prior of its operator."""
    context, cost = dict(fit.context), operators.get(fit.operator).cost
    sizes = (whole_number(context[name]) for name in ("n_rows", "n_columns", "n_classes"))
    return rates.slow * (cost.fit_s(*sizes) - cost.fixed_s)


def _n_masked(masked: Task) -> int:
    places = dict(masked.params)["places"]
    assert isinstance(places, tuple)
    return len(places)


def expected_s(task: Task, rates: Rates) -> float:
    """Return the seconds that a task is expected to take: of a fit by the prior of its operator, of all else what any task costs.

    Of a task that was put in the place of a fit, that fit is meant.
    """
    if task.kind not in _FITS or not task.operator:
        return rates.task_s
    if task.kind is not TaskKind.TOGETHER:
        return fit_rows_s(task, rates) + rates.task_s
    on_rows = isinstance(operators.get(task.operator), Fused | Batched)
    return (fit_rows_s(task, rates) / _share_of_one(task) if on_rows else 0.0) + rates.task_s


def _parts(task: Task, tasks: Mapping[Fingerprint, Task], together: Mapping[Port, Fingerprint]) -> Iterator[Part]:
    given = [tasks[port.task] for port in task.inputs if port.task in tasks]
    if task.kind in _TOLD and given[-1].kind is TaskKind.GATHER:
        yield given[-1].fingerprint, 1.0
    if task.kind is TaskKind.CUT and given[0].kind is TaskKind.MASKED:
        yield given[0].fingerprint, min(1.0, _SAVED / _n_masked(given[0]))
    elif task.kind in {TaskKind.FIT, TaskKind.WHOLE} and given and given[-1].kind is TaskKind.BIN:
        yield given[-1].fingerprint, 1.0
    elif task.kind is TaskKind.CUT and given[0].kind is TaskKind.TOGETHER:
        yield given[0].fingerprint, min(1.0, _share_of_one(given[0]))
    elif task.kind is TaskKind.CUT:
        yield given[0].fingerprint, _share(task, given[0])
    elif task.kind is TaskKind.LEARN and task.is_model:
        if task.inputs[0] in together:
            yield together[task.inputs[0]], 1.0
        if given[0].kind is TaskKind.SUMS:
            yield given[0].fingerprint, 1.0
            return
        yield from ((part, 1.0) for part in lifted(given[0].inputs[0], tasks))


def _share_of_one(fits: Task) -> float:
    """Return the share of the time of many that are fitted together that one alone would take: at most so much is saved."""
    operator, n_values = operators.get(fits.operator), max(len(v) for _, v in fits.params if isinstance(v, tuple))
    if isinstance(operator, Batched):
        return operator.times_sooner(dict(fits.params), context_of(fits), n_values) / n_values
    return _SAVED / n_values


def _share(part: Task, whole: Task) -> float:
    some, all_of_it = dict(part.params), dict(whole.params)
    late = operators.get(part.operator).late
    return math.prod(one.share(some[one.name], all_of_it[one.name]) for one in late)
