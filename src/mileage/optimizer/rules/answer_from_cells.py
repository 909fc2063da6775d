"""Read the rows that models answer for once, and show them to each as the steps before it would make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mileage.core.domains import Value
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.from_sums import Linear
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.ways import KINDS, kinds_of, layout_of, texts
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "answer_from_cells"


@dataclass(frozen=True)
class _Way:
    """How rows come from a source: a route, the fitted steps along it, and the tasks that take its columns."""

    route: Value
    states: tuple[Port, ...]
    takes: tuple[Task, ...]


@rule(Exactness.FP)
def answer_from_cells(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let all steps between rows and a model that answers for them be one product, of cells that were read for all splits.

    ::

        rows kept apart → apply mean → apply standard → answer
        ⇒ read cells → rows kept apart → rows that mean, standard show → answer

    Needs steps that are ``Linear`` anywhere, and models that are learned from sums or together, as the answers of others may leap where a number
    differs in its last digit.

    Law: answers are the same but for rounding.
    """
    if context.floor < Exactness.FP or not any(planned.task.kind in _SMOOTH for planned in plan):
        return plan
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    shown = {}
    for port, readers in _readers(plan).items():
        found = _way(port, tasks) if tasks[port.task].kind in _MAKE and _all_smooth(readers, port, tasks) else None
        if found is not None:
            shown[port.task] = _instead(found, tasks)
    return replace(plan, tasks=tuple(_replaced(plan, shown))) if shown else plan


_MAKE = {TaskKind.APPLY, TaskKind.JOIN}
_SMOOTH = {TaskKind.TOGETHER, TaskKind.LEARN}


def _readers(plan: PhysicalPlan) -> dict[Port, list[Task]]:
    made: dict[Port, list[Task]] = {}
    for planned in plan:
        if planned.action is Action.COMPUTE:
            for port in planned.task.inputs:
                made.setdefault(port, []).append(planned.task)
    return made


def _all_smooth(readers: list[Task], port: Port, tasks: Mapping[Fingerprint, Task]) -> bool:
    """Say whether all that read rows are models that answer nearly alike for rows that are nearly alike."""
    return all(
        reader.kind in {TaskKind.GATHER, TaskKind.PREDICT}
        and reader.inputs[1:] == (port,)
        and (fit := tasks.get(reader.inputs[0].task)) is not None
        and fit.kind in _SMOOTH
        for reader in readers
    )


def _way(port: Port, tasks: Mapping[Fingerprint, Task]) -> _Way | None:
    """Return how rows come from a source, if each step is linear for any rows."""
    task = tasks[port.task]
    if task.kind is TaskKind.TAKE:
        source, columns = tasks[task.inputs[0].task], texts(dict(task.params)["columns"])
        plain = source.kind is TaskKind.SOURCE and {kinds_of(source).get(name) for name in columns} <= KINDS
        return _Way(("take", columns), (), (task,)) if plain else None
    if task.kind is TaskKind.JOIN and dict(task.params)["dense"]:
        return _joined([_way(part, tasks) for part in task.inputs])
    if task.kind is TaskKind.APPLY and len(task.inputs) == 2 and "kept" not in dict(task.params):
        state, rows = task.inputs
        name = tasks[state.task].operator if state.task in tasks else ""
        operator = operators.find(name)
        before = _way(rows, tasks) if isinstance(operator, Linear) and operator.anywhere else None
        return before and _Way(("step", name, before.route), (*before.states, state), before.takes)
    return None


def _joined(parts: list[_Way | None]) -> _Way | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    states = tuple(port for part in known for port in part.states)
    takes = tuple(take for part in known for take in part.takes)
    return _Way(("join", tuple(part.route for part in known)), states, takes)


def _instead(way: _Way, tasks: Mapping[Fingerprint, Task]) -> tuple[Task, ...]:
    """Return what shows rows from cells, the last of it in the place of what made them so far."""
    take = way.takes[0]
    source = tasks[take.inputs[0].task]
    columns = dict.fromkeys(name for one in way.takes for name in texts(dict(one.params)["columns"]))
    layout = layout_of(source, tuple(columns))
    cells = Task(TaskKind.CELLS, inputs=(source.port("X"), layout.port()), label="read cells")
    params = tuple({**dict(take.params), "columns": None}.items())
    rows = replace(take, params=params, inputs=(cells.port(), *take.inputs[1:]))
    route: tuple[tuple[str, Value], ...] = (("route", way.route),)
    image = Task(TaskKind.IMAGE, params=route, inputs=(rows.port(), *way.states), label="rows as models see them")
    return layout, cells, rows, image


def _replaced(plan: PhysicalPlan, shown: Mapping[Fingerprint, tuple[Task, ...]]) -> Iterator[PlannedTask]:
    made = set[Fingerprint]()
    for planned in plan:
        name = planned.task.fingerprint
        *before, last = shown.get(name, (planned.task,))
        new = [PlannedTask(task, by=_NAME) for task in before]
        if last is planned.task:
            new.append(planned)
        else:
            image = replace(last, same_as=name)
            new.append(replace(planned, task=image, by=_NAME, exactness=Exactness.FP))
        for one in new:
            if one.task.fingerprint not in made:
                made.add(one.task.fingerprint)
                yield one
