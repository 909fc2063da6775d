"""Fit the models of all folds from sums over the rows of each, and never on train rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.data.reshuffle import places_of
from mileage.operators import operators
from mileage.operators.from_sums import FromSums, Linear
from mileage.optimizer.parts import context_of, fit_rows_s, fit_scan_s
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.ways import (
    Join,
    Step,
    Take,
    Way,
    columns_of,
    kinds_of,
    layout_of,
    operators_of,
    route_of,
    way_of,
)
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "fit_from_sums"
_FOLLOWERS = 8  # configurations that a search tries, or more
_MOST_COLUMNS = 1000  # products of more take more room than the rows mostly do


@rule(Exactness.FP)
def fit_from_sums(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let each row be summed up once, and tell from the sums of other folds what a fit on their rows would learn.

    ::

        rows of folds 2, 3 → standard → ridge(alpha = 1)          sums of fold 1 ┐  sums of 2, 3 → standard, ridge(alpha = 1)
        rows of folds 1, 3 → standard → ridge(alpha = 1)    ⇒     sums of fold 2 ┼→ sums of 1, 3 → standard, ridge(alpha = 1)
        rows of folds 1, 2 → standard → ridge(alpha = 1)          sums of fold 3 ┘  sums of 1, 2 → standard, ridge(alpha = 1)

    Other parameters of the model need no row at all. It is done for folds that have each row in one of them, for splits of a
    configuration's own, whose sums are those of the parts that all are put together from, and for samples of
    any splits, whose sums grow with the sample (``grow_sums``); where the model can be fitted ``FromSums`` and each step before it is
    ``Linear``. A step that is not ``FromSums`` is fitted on its train rows, and so is one that reads what sums do not tell of columns that ``pca`` has mixed. A step of which nothing but the state is asked for is
    learned like a model.

    Law: predictions are the same but for rounding.
    """
    if not any(_is_model_from_sums(planned.task) for planned in plan) and not _states_alone(plan):
        return plan
    return replace(plan, tasks=tuple(_Rewriting(plan, context).tasks()))


def _is_model_from_sums(task: Task) -> bool:
    return task.kind is TaskKind.FIT and task.is_model and _learns(task)


def _states_alone(plan: PhysicalPlan) -> bool:
    """Say whether nothing but the state is asked for of a fitted step that may be learned from sums."""
    fits = [p.task for p in plan if p.task.kind is TaskKind.FIT and not p.task.is_model]
    read = {*plan.wanted, *(port for planned in plan for port in planned.task.inputs)} if fits else set()
    return any(task.port("out") not in read and _learns(task) for task in fits)


@dataclass(frozen=True)
class _Fold:
    """The train rows of a split: which data, how it was dealt, the splits, which are dealt or a sample of that, and which of them."""

    source: Fingerprint
    deal: Task
    splits: Task
    split: int

    @property
    def parts(self) -> range:
        """The folds that have each row once, one of which it is, or a holdout of its own; empty if it is none of such."""
        dealt = dict(self.deal.params)
        if self.is_own:
            n = 1 if dealt["n_tested"] else whole_number(dealt["per_round"])
        elif dealt["method"] != "folds" or dealt["order_by"] is not None:
            return range(0)
        else:
            n = whole_number(dealt["n"])
        first = self.split // n * n
        return range(first, first + n)

    @property
    def is_own(self) -> bool:
        """Whether the splits are those of a configuration, put together from parts of a deal."""
        return self.deal.kind is TaskKind.RESHUFFLE

    def places(self, n_parts: int) -> tuple[int, ...]:
        """Return for each part that splits are put together from the fold that it is in; of a holdout 0, and 1 for those that train."""
        params = {name: whole_number(value) for name, value in self.deal.params}
        deal = self.split // len(self.parts)
        places = places_of(n_parts, params["per_round"], private=params["private"], deal=deal)
        return tuple(int(place >= params["n_tested"]) for place in places) if params["n_tested"] else places

    @property
    def share(self) -> float:
        """The share of the train rows that the sample has; 1 of all."""
        return float(str(dict(self.splits.params)["fraction"])) if self.splits is not self.deal else 1.0


class _Rewriting:
    """New tasks by what they are for, so that each is planned once."""

    def __init__(self, plan: PhysicalPlan, context: PlanContext) -> None:
        self.plan, self.context = plan, context
        self.old = {planned.task.fingerprint: planned.task for planned in plan}
        self.read = {*plan.wanted, *(port for planned in plan for port in planned.task.inputs)}
        planned = (task for task in self.old.values() if task.kind is TaskKind.SAMPLE)
        self.sampled = {task.inputs[0] for task in (*context.rungs, *planned)}
        self.made: dict[Fingerprint, None] = {}
        self.new: list[PlannedTask] = []
        self.merged: dict[Any, Task] = {}
        self.learned: dict[Fingerprint, dict[Fingerprint, Port]] = {}  # by model: the steps before it

    def tasks(self) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, with those of a model that can be fitted from sums in place of its own."""
        for planned in self.plan:
            task = planned.task
            if planned.action is Action.COMPUTE:
                if task.kind is TaskKind.FIT and (task.is_model or task.port("out") not in self.read):
                    task = self._fit(task)
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

    def _fit(self, fit: Task) -> Task:
        exact = self.context.class_of(_NAME, fit.operator, Exactness.FP) <= self.context.floor
        way = way_of(fit.inputs[0], self.old) if exact and _learns(fit) else None
        fold = self._fold(fit.inputs[0]) if way is not None else None
        if fold is None or way is None or not _is_told(fit, way) or not self._pays(fit, fold, way):
            return fit
        steps: dict[Fingerprint, Port] = {}
        learning = _Learning(self, self._sums(fit, fold, way), steps)
        self.learned[fit.fingerprint] = steps
        return replace(learning.learn(fit, way), same_as=fit.fingerprint)

    def _pays(self, fit: Task, fold: _Fold, way: Way) -> bool:
        """Say whether looking at each row once saves more than the tasks cost that this needs; others may follow."""
        if self._width(fit, fold, way) > _MOST_COLUMNS:
            return False
        rates, n = self.context.rates, len(fold.parts)
        if rates is None:
            return True
        n_parts = len(self._parts_of(fold).parts) if fold.is_own else 0
        n_tasks = 2 + max(1, n) * (2 + 2 * _n_steps(way)) + n_parts
        followers = (
            _FOLLOWERS if n_parts else 2
        )  # sums of parts serve all that are tried; whose folds are the same share already
        n_fits = max(1, n - 1) * (followers if self.context.shares else 1)  # on all rows
        rows_s = fold.share * (n_fits * fit_rows_s(fit, rates) - fit_scan_s(fit, rates))
        return rows_s > n_tasks * rates.task_s

    def _width(self, fit: Task, fold: _Fold, way: Way) -> float:
        """Return about how many columns there are to sum up, or to learn from."""
        told, kinds = whole_number(dict(fit.context)["n_columns"]), kinds_of(self.old[fold.source])
        names = set(columns_of(way))
        numbers = {name for name in names if kinds[name] == "numeric"}
        if names == numbers:
            return max(told, len(numbers))
        if self.context.levels is not None:
            return max(told, len(numbers) + self.context.levels)
        is_told = any(operators.get(name).column_per_level for name in operators_of(way))
        return told if is_told else math.inf

    def _fold(self, port: Port) -> _Fold | None:
        """Return the split whose train rows come to a step, if these are dealt to folds that have each row once, or a sample."""
        take = self.old[port.task]
        while take.kind is not TaskKind.TAKE:
            take = self.old[take.inputs[0].task]
        params = dict(take.params)
        if params["part"] != "train":
            return None
        splits = self.old[take.inputs[1].task]
        if splits.kind is TaskKind.RESHUFFLE:
            return _Fold(take.inputs[0].task, splits, splits, whole_number(params["split"]))
        deal = self.old[splits.inputs[0].task] if splits.kind is TaskKind.SAMPLE else splits
        if deal.kind is not TaskKind.DEAL:
            return None
        fold = _Fold(take.inputs[0].task, deal, splits, whole_number(params["split"]))
        grows = deal.port("splits") in self.sampled
        return fold if fold.parts or splits is not deal or grows else None

    def _parts_of(self, own: _Fold) -> _Fold:
        """Return the first of the parts that splits of a configuration are put together from."""
        dealt = self.old[own.deal.inputs[0].task]
        return _Fold(own.source, dealt, dealt, 0)

    def _sums(self, fit: Task, fold: _Fold, way: Way) -> Port:
        """Return the state of the train rows."""
        columns = tuple(dict.fromkeys(columns_of(way)))
        needs = [operators.get(name) for name in (fit.operator, *operators_of(way))]
        params: tuple[tuple[str, Value], ...] = (
            ("extremes", any(isinstance(one, FromSums) and one.extremes for one in needs)),
            ("n_classes", _n_classes(fit)),
            ("products", any(isinstance(one, FromSums) and one.products for one in needs)),
        )
        lifted = self._parts_of(fold) if fold.is_own else fold
        lift = self._lift(lifted, columns, params)
        if not fold.parts:
            return self._add(lift(fold.split, None)).port()
        key = (fold.source, fold.splits.fingerprint, fold.parts.start, columns, params)
        if key not in self.merged:
            parts = lifted.parts
            sums = tuple(self._add(lift(i, parts[i - parts.start - 1])).port() for i in parts)
            sums = self._pooled(sums, fold.places(len(sums))) if fold.is_own else sums
            outputs, label = tuple(f"without_{i}" for i in range(len(sums))), "merge the sums of all folds but one"
            self.merged[key] = self._add(Task(TaskKind.MERGE, inputs=sums, outputs=outputs, label=label))
        merged = self.merged[key]
        return merged.port(merged.outputs[fold.split - fold.parts.start])

    def _lift(
        self, fold: _Fold, columns: tuple[str, ...], params: tuple[tuple[str, Value], ...]
    ) -> Callable[[int, int | None], Task]:
        """Return what plans the state of the rows of a fold that another one trains on, or of all train rows of a split."""
        source = self.old[fold.source]
        layout = self._add(layout_of(source, columns))
        inputs = (source.port("X"), source.port("y"), layout.port(), fold.splits.port("splits"))

        def lift(split: int, other: int | None) -> Task:
            label = f"sum up {'train rows' if other is None else 'the rows of a fold'}"
            return Task(TaskKind.LIFT, params=(*params, ("other", other), ("split", split)), inputs=inputs, label=label)

        return lift

    def _pooled(self, parts: tuple[Port, ...], places: tuple[int, ...]) -> tuple[Port, ...]:
        """Plan the sums of each fold from those of the parts that it is put together from."""
        outputs, label = (
            tuple(f"at_{place}" for place in range(max(places) + 1)),
            "merge the sums of the parts of each fold",
        )
        params: tuple[tuple[str, Value], ...] = (("places", places),)
        pooled = self._add(Task(TaskKind.MERGE, params=params, inputs=parts, outputs=outputs, label=label))
        return tuple(pooled.port(output) for output in outputs)

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
    sums: Port
    steps: dict[Fingerprint, Port]

    def learn(self, fit: Task, before: Way) -> Task:
        """Return the task that fits from what ``before`` shows of the train rows."""
        route, states = self._route(before)
        params: tuple[tuple[str, Value], ...] = (("n_classes", _n_classes(fit)), ("route", route))
        image = Task(TaskKind.IMAGE, params=params, inputs=(self.sums, *states), label=f"sums that {fit.operator} sees")
        seen = self.rewriting._add(image).port()
        label = f"learn {fit.label.removeprefix('fit ')} from sums"
        return replace(fit, kind=TaskKind.LEARN, inputs=(seen,), outputs=("state",), label=label)

    def _route(self, way: Way) -> tuple[Value, list[Port]]:
        """Return a way as plain values, and the fitted steps along it: from the first that is not learned from sums on, on train rows."""
        if isinstance(way, Take) or (
            isinstance(way, Step) and not (_learns(way.fit) and _is_told(way.fit, way.before))
        ):
            return route_of(way)
        if isinstance(way, Join):
            found = [self._route(part) for part in way.parts]
            return ("join", tuple(route for route, _ in found)), [port for _, ports in found for port in ports]
        route, states = self._route(way.before)
        state = self.rewriting._add(self.learn(way.fit, way.before)).port("state")
        self.steps[way.fit.fingerprint] = state
        return ("step", way.fit.operator, route), [*states, state]


def _learns(fit: Task) -> bool:
    operator = operators.find(fit.operator)
    return isinstance(operator, FromSums) and operator.can_learn(dict(fit.params), context_of(fit))


def _is_told(fit: Task, before: Way) -> bool:
    """Say whether sums tell what a fit reads of columns that come so: of mixed ones they tell neither ends nor squares within a class."""
    operator, steps = operators.get(fit.operator), [operators.get(name) for name in operators_of(before)]
    assert isinstance(operator, FromSums)
    mixed = any(isinstance(step, Linear) and step.mixes for step in steps)
    return not (mixed and (operator.extremes or operator.by_class))


def _n_classes(fit: Task) -> Value:
    """Return the number of classes; 0 for a regression."""
    context = dict(fit.context)
    return 0 if context["task"] == "regression" else context["n_classes"]


def _n_steps(way: Way) -> int:
    if isinstance(way, Take):
        return 0
    return 1 + _n_steps(way.before) if isinstance(way, Step) else sum(map(_n_steps, way.parts))
