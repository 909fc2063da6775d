"""Group tasks into the units that one worker runs in one go."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, Task, TaskKind

_ALONE = {
    TaskKind.SOURCE,
    TaskKind.DEAL,
    TaskKind.RESHUFFLE,
    TaskKind.SAMPLE,
    TaskKind.CODE,
    TaskKind.LAYOUT,
    TaskKind.CELLS,
    TaskKind.BLEND,
    TaskKind.WEIGH,
    TaskKind.SCORES,
    TaskKind.SCORE,
}


@rule(Exactness.BITWISE)
def form_segments(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Put each fit with the cheap tasks around it in one segment, so that little crosses a process border.

    ::

        take, take, fit median, apply median, join, join, fit model, predict
        ⇒ [take take fit median apply median] [join join fit model predict]     when other plans may share
        ⇒ [all of one split]                                                    when none will
    """
    tasks = {p.task.fingerprint: p.task for p in plan if p.action is Action.COMPUTE}
    home = _homes(tasks) if context.shares else _whole_splits(tasks)
    segments: dict[object, list[Fingerprint]] = {}
    for name in tasks:
        segments.setdefault(home[name], []).append(name)
    return replace(plan, segments=_in_order(segments, tasks))


def _homes(tasks: dict[Fingerprint, Task]) -> dict[Fingerprint, object]:
    """Map each task to its segment: a fit has its own, what feeds only one fit joins it, what follows joins it."""
    home: dict[Fingerprint, object] = {}
    first_reader: dict[Fingerprint, Fingerprint] = {}
    for name, task in tasks.items():
        for port in task.inputs:
            first_reader.setdefault(port.task, name)
    taught = _after_made_up_rows(tasks)
    for name, task in tasks.items():
        if task.kind in {TaskKind.APPLY, TaskKind.GATHER, TaskKind.PREDICT}:
            fitted = task.inputs[0].task
            # what a teacher says of made-up rows comes after these, which may come after the teacher's segment
            home[name] = home[fitted] if fitted in tasks and (name in taught) == (fitted in taught) else name
        else:
            home[name] = name
    for name in reversed(tuple(tasks)):
        if tasks[name].kind in {TaskKind.TAKE, TaskKind.TARGET, TaskKind.JOIN, TaskKind.IMAGE} and name in first_reader:
            home[name] = home[first_reader[name]]
    return home


def _after_made_up_rows(tasks: dict[Fingerprint, Task]) -> set[Fingerprint]:
    """Return the tasks that make rows up, and all that read what is made of these."""
    found: set[Fingerprint] = set()
    for name, task in tasks.items():
        if task.kind is TaskKind.MUNGE or any(port.task in found for port in task.inputs):
            found.add(name)
    return found


def _whole_splits(tasks: dict[Fingerprint, Task]) -> dict[Fingerprint, object]:
    """Map each task to the split it works on: connected tasks without the source, the deal and the scores."""
    parent = {name: name for name in tasks}

    def root(name: Fingerprint) -> Fingerprint:
        while parent[name] != name:
            name = parent[name]
        return name

    taught = _after_made_up_rows(tasks)
    alone = {
        name for name, t in tasks.items() if t.kind in _ALONE and not (t.kind is TaskKind.BLEND and name in taught)
    }
    for name, task in tasks.items():
        for port in task.inputs:
            if port.task in tasks and not {name, port.task} & alone:
                parent[root(name)] = root(port.task)
    return {name: root(name) for name in tasks}


def _in_order(
    segments: dict[object, list[Fingerprint]], tasks: dict[Fingerprint, Task]
) -> tuple[tuple[Fingerprint, ...], ...]:
    """Order segments so that each comes after those it reads from."""
    of = {name: key for key, names in segments.items() for name in names}
    ordered: dict[object, None] = {}

    def visit(key: object) -> None:
        if key in ordered:
            return
        for name in segments[key]:
            for port in tasks[name].inputs:
                before = of.get(port.task)
                if before is not None and before != key:
                    visit(before)
        ordered[key] = None

    for key in segments:
        visit(key)
    return tuple(tuple(segments[key]) for key in ordered)
