"""Fit the models of all folds from sums over the rows of each, and never on train rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.from_sums import FromSums, Linear
from mileage.optimizer.parts import fit_rows_s, fit_scan_s
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "fit_from_sums"
_KINDS = {"numeric", "categorical"}
_MOST_COLUMNS = 1000  # products of more take more room than the rows mostly do


@rule(Exactness.FP)
def fit_from_sums(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let each row be summed up once, and tell from the sums of other folds what a fit on their rows would learn.

    ::

        rows of folds 2, 3 → standard → ridge(alpha = 1)          sums of fold 1 ┐  sums of 2, 3 → standard, ridge(alpha = 1)
        rows of folds 1, 3 → standard → ridge(alpha = 1)    ⇒     sums of fold 2 ┼→ sums of 1, 3 → standard, ridge(alpha = 1)
        rows of folds 1, 2 → standard → ridge(alpha = 1)          sums of fold 3 ┘  sums of 1, 2 → standard, ridge(alpha = 1)

    Other parameters of the model need no row at all. It is done for folds that have each row in one of them, where the model can
    be fitted ``FromSums`` and each step before it is ``Linear``; a step that is not ``FromSums`` is fitted on its train rows.

    Law: predictions are the same but for rounding.
    """
    if not any(
        planned.task.kind is TaskKind.FIT and planned.task.is_model and _learns(planned.task) for planned in plan
    ):
        return plan
    return replace(plan, tasks=tuple(_Rewriting(plan, context).tasks()))


@dataclass(frozen=True)
class _Take:
    """Columns of the train rows as they are."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Step:
    """The output of a fitted transformer for what comes before it."""

    fit: Task
    before: _Way


@dataclass(frozen=True)
class _Join:
    """Columns side by side."""

    parts: tuple[_Way, ...]


_Way = _Take | _Step | _Join


@dataclass(frozen=True)
class _Fold:
    """The rows of all folds but one: which data, how it was dealt, and the folds of one deal."""

    source: Fingerprint
    deal: Task
    split: int

    @property
    def splits(self) -> range:
        """The folds that have each row once."""
        n = int(str(dict(self.deal.params)["n"]))
        first = self.split // n * n
        return range(first, first + n)


class _Rewriting:
    """New tasks by what they are for, so that each is planned once."""

    def __init__(self, plan: PhysicalPlan, context: PlanContext) -> None:
        self.plan, self.context = plan, context
        self.old = {planned.task.fingerprint: planned.task for planned in plan}
        self.made: dict[Fingerprint, None] = {}
        self.new: list[PlannedTask] = []
        self.merged: dict[Any, tuple[Task, Port]] = {}
        self.learned: dict[Fingerprint, dict[Fingerprint, Port]] = {}  # by model: the steps before it

    def tasks(self) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, with those of a model that can be fitted from sums in place of its own."""
        for planned in self.plan:
            task = planned.task
            if planned.action is Action.COMPUTE:
                if task.kind is TaskKind.FIT and task.is_model:
                    task = self._model(task)
                elif task.kind is TaskKind.PREDICT and task.inputs[0].task in self.learned:
                    task = self._predict(task)
            yield from self.new
            self.new = []
            if task is planned.task:
                yield planned
            else:
                yield replace(planned, task=task, by=_NAME, exactness=Exactness.FP)

    def _add(self, task: Task) -> Task:
        if task.fingerprint not in self.made:
            self.made[task.fingerprint] = None
            self.new.append(PlannedTask(task, by=_NAME, exactness=Exactness.FP))
        return task

    # --- the train side -----------------------------------------------------------------------------------------------

    def _model(self, fit: Task) -> Task:
        exact = self.context.class_of(_NAME, fit.operator, Exactness.FP) <= self.context.floor
        fold = self._fold(fit) if exact and _learns(fit) else None
        way = self._way(fit.inputs[0]) if fold is not None else None
        if fold is None or way is None or not self._pays(fit, fold, way):
            return fit
        steps: dict[Fingerprint, Port] = {}
        learning = _Learning(self, fold, self._sums(fit, fold, way), steps)
        self.learned[fit.fingerprint] = steps
        return replace(learning.learn(fit, way), same_as=fit.fingerprint)

    def _pays(self, fit: Task, fold: _Fold, way: _Way) -> bool:
        """Say whether looking at each row once saves more than the tasks cost that this needs; others may follow."""
        if whole_number(dict(fit.context)["n_columns"]) > _MOST_COLUMNS:
            return False
        rates, n = self.context.rates, len(fold.splits)
        if rates is None:
            return True
        n_tasks = 2 + n * (2 + 2 * _n_steps(way))
        n_fits = (n - 1) * (2 if self.context.shares else 1)  # on all rows
        return n_fits * fit_rows_s(fit, rates) > fit_scan_s(fit, rates) + n_tasks * rates.task_s

    def _fold(self, fit: Task) -> _Fold | None:
        """Return the fold that a model is fitted without, if it is one of folds that have each row once."""
        target = self.old[fit.inputs[1].task]
        params = dict(target.params)
        if target.kind is not TaskKind.TARGET or params["part"] != "train":
            return None
        deal = self.old[target.inputs[1].task]
        dealt = dict(deal.params)
        if deal.kind is not TaskKind.DEAL or dealt["method"] != "folds" or dealt["order_by"] is not None:
            return None
        return _Fold(target.inputs[0].task, deal, int(str(params["split"])))

    def _way(self, port: Port) -> _Way | None:
        """Return how columns come to a step, if each step on the way is linear."""
        task = self.old[port.task]
        if task.kind is TaskKind.TAKE:
            return self._take(task)
        if task.kind is TaskKind.FIT and isinstance(operators.find(task.operator), Linear):
            before = self._way(task.inputs[0])
            return None if before is None else _Step(task, before)
        if task.kind is TaskKind.JOIN and dict(task.params)["dense"]:
            parts = [self._way(part) for part in task.inputs]
            known = tuple(part for part in parts if part is not None)
            return _Join(known) if len(known) == len(parts) else None
        return None

    def _take(self, task: Task) -> _Take | None:
        columns = _texts(dict(task.params)["columns"])
        kinds = _kinds(self.old[task.inputs[0].task])
        return _Take(columns) if {kinds.get(name) for name in columns} <= _KINDS else None

    def _sums(self, fit: Task, fold: _Fold, way: _Way) -> tuple[Port, Port]:
        """Return the sums of the rows of all folds but one, and the layout of their columns."""
        operator, columns = operators.get(fit.operator), tuple(dict.fromkeys(_columns(way)))
        assert isinstance(operator, FromSums)
        params: tuple[tuple[str, Value], ...] = (("n_classes", _n_classes(fit)), ("products", operator.products))
        key = (fold.source, fold.deal.fingerprint, fold.splits.start, columns, params)
        if key not in self.merged:
            self.merged[key] = self._merged(fold, columns, params)
        merged, layout = self.merged[key]
        return merged.port(merged.outputs[fold.split - fold.splits.start]), layout

    def _merged(
        self, fold: _Fold, columns: tuple[str, ...], params: tuple[tuple[str, Value], ...]
    ) -> tuple[Task, Port]:
        """Plan the sums of each fold; return the task that merges them, and the layout of their columns."""
        source, kinds = self.old[fold.source], _kinds(self.old[fold.source])
        named: tuple[tuple[str, Value], ...] = tuple(
            (kind, tuple(name for name in columns if kinds[name] == kind)) for kind in sorted(_KINDS)
        )
        layout = self._add(Task(TaskKind.LAYOUT, params=named, inputs=(source.port("X"),), label="lay out columns"))
        inputs = (source.port("X"), source.port("y"), fold.deal.port("splits"), layout.port())
        label = "sum up the rows of a fold"
        parts = [
            self._add(Task(TaskKind.LIFT, params=(*params, ("split", i)), inputs=inputs, label=label)).port()
            for i in fold.splits
        ]
        outputs, label = tuple(f"without_{i}" for i in range(len(parts))), "merge the sums of all folds but one"
        merged = self._add(Task(TaskKind.MERGE, inputs=tuple(parts), outputs=outputs, label=label))
        return merged, layout.port()

    # --- the test side ------------------------------------------------------------------------------------------------

    def _predict(self, task: Task) -> Task:
        state, rows = task.inputs
        twin = self._twin(rows, self.learned[state.task])
        return task if twin == rows else replace(task, inputs=(state, twin), same_as=task.fingerprint)

    def _twin(self, port: Port, learned: Mapping[Fingerprint, Port]) -> Port:
        """Return the same rows by way of the steps that were learned from sums."""
        task = self.old[port.task]
        if task.kind is TaskKind.APPLY:
            state, rows = task.inputs
            inputs: tuple[Port, ...] = (learned.get(state.task, state), self._twin(rows, learned))
        elif task.kind is TaskKind.JOIN:
            inputs = tuple(self._twin(part, learned) for part in task.inputs)
        else:
            return port
        return port if inputs == task.inputs else self._add(replace(task, inputs=inputs)).port(port.output)


@dataclass(frozen=True)
class _Learning:
    """Plans what a model and the steps before it learn from the sums of one fold's train rows."""

    rewriting: _Rewriting
    fold: _Fold
    sums: tuple[Port, Port]
    steps: dict[Fingerprint, Port]

    def learn(self, fit: Task, before: _Way) -> Task:
        """Return the task that fits from what ``before`` shows of the train rows."""
        route, states = self._route(before, plain=False)
        params: tuple[tuple[str, Value], ...] = (("n_classes", _n_classes(fit)), ("route", route))
        image = Task(
            TaskKind.IMAGE, params=params, inputs=(*self.sums, *states), label=f"sums that {fit.operator} sees"
        )
        seen = self.rewriting._add(image).port()
        label = f"learn {fit.label.removeprefix('fit ')} from sums"
        return replace(fit, kind=TaskKind.LEARN, inputs=(seen,), outputs=("state",), label=label)

    def _route(self, way: _Way, *, plain: bool) -> tuple[Value, list[Port]]:
        """Return a way as plain values, and the fitted steps along it; with ``plain`` these are fitted on train rows."""
        if isinstance(way, _Take):
            return ("take", way.columns), []
        if isinstance(way, _Join):
            found = [self._route(part, plain=plain) for part in way.parts]
            return ("join", tuple(route for route, _ in found)), [port for _, ports in found for port in ports]
        plain = plain or not _learns(way.fit)
        route, states = self._route(way.before, plain=plain)
        if plain:
            state = way.fit.port("state")
        else:
            state = self.rewriting._add(self.learn(way.fit, way.before)).port("state")
            self.steps[way.fit.fingerprint] = state
        return ("step", way.fit.operator, route), [*states, state]


def _learns(fit: Task) -> bool:
    operator = operators.find(fit.operator)
    return isinstance(operator, FromSums) and operator.can_learn(dict(fit.params))


def _n_classes(fit: Task) -> Value:
    """Return the number of classes; 0 for a regression."""
    context = dict(fit.context)
    return 0 if context["task"] == "regression" else context["n_classes"]


def _columns(way: _Way) -> Sequence[str]:
    if isinstance(way, _Take):
        return way.columns
    parts = way.parts if isinstance(way, _Join) else (way.before,)
    return [name for part in parts for name in _columns(part)]


def _kinds(source: Task) -> dict[str, str]:
    """Return the kind of each column of a source."""
    pairs = dict(source.params).get("columns", ())
    assert isinstance(pairs, tuple)
    return dict(map(_texts, pairs))  # type: ignore[arg-type]


def _n_steps(way: _Way) -> int:
    if isinstance(way, _Take):
        return 0
    return 1 + _n_steps(way.before) if isinstance(way, _Step) else sum(map(_n_steps, way.parts))


def _texts(value: Value) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return tuple(str(one) for one in value)
