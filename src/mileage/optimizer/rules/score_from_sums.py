"""Score linear models by the sums of the rows that each fold keeps apart, and not by predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mileage.core.domains import Value
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.from_sums import Linear
from mileage.operators.metrics import is_of_squares
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "score_from_sums"


@rule(Exactness.FP)
def score_from_sums(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Tell squared errors from means and products of columns and target, which were summed up for the fits of other folds.

    ::

        learn ridge(20 values of alpha) → answer → score rmse of all
        ⇒ learn ridge(20 values of alpha) → score rmse of all ← sums of the rows kept apart

    So no row is read for a score. Whoever asks for predictions still gets them. Where errors are so small that a difference of
    sums would be rounding, the fold's rows are read.

    Needs steps before the model that are ``Linear`` anywhere, a model whose answers are linear (of a regression, ``learn_together`` makes no others), and a metric that is told from
    squared errors.

    Law: scores are the same but for rounding.
    """
    del context
    if not any(planned.task.kind is TaskKind.SCORES for planned in plan):
        return plan
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    return replace(plan, tasks=tuple(_replaced(plan, tasks)))


def _replaced(plan: PhysicalPlan, tasks: Mapping[Fingerprint, Task]) -> Iterator[PlannedTask]:
    instead: dict[Fingerprint, Task] = {}
    for planned in plan:
        images = _images(planned, tasks)
        if images:
            made = _scores(planned.task, images, tasks)
            instead[planned.task.fingerprint] = made
            yield from (PlannedTask(image, by=_NAME, exactness=Exactness.FP) for image in dict.fromkeys(images))
            yield replace(planned, task=made, by=_NAME, exactness=Exactness.FP)
        elif planned.task.kind is TaskKind.SCORE and planned.task.inputs[0].task in instead:
            taken = replace(planned.task, inputs=(instead[planned.task.inputs[0].task].port(),))
            yield replace(planned, task=taken, by=_NAME)
        else:
            yield planned


def _images(planned: PlannedTask, tasks: Mapping[Fingerprint, Task]) -> tuple[Task, ...]:
    """Return the tasks that show the rows that each fold keeps apart as the model sees its train rows; none if sums do not say it."""
    task = planned.task
    if task.kind is not TaskKind.SCORES or planned.action is not Action.COMPUTE or not is_of_squares(task.operator):
        return ()
    params = dict(task.params)
    if params.get("whole") or params["task"] != "regression":
        return ()
    made = []
    for answer in task.inputs[:-2]:
        seen = tasks[tasks[tasks[answer.task].inputs[0].task].inputs[0].task]
        if seen.kind is not TaskKind.IMAGE:
            return ()
        merged, *rest = seen.inputs
        apart = _apart(merged, tasks)
        if apart is None:
            return ()
        made.append(replace(seen, inputs=(apart, *rest), label=f"{seen.label}, of the rows kept apart"))
    same = {(image.params, len(image.inputs)) for image in made}
    return tuple(made) if len(same) == 1 and _is_linear(dict(made[0].params)["route"]) else ()


def _apart(merged: Port, tasks: Mapping[Fingerprint, Task]) -> Port | None:
    """Return the state of the rows that a fold keeps apart, if it is one of those that were merged: of a sample it is not."""
    merge = tasks[merged.task]
    if merge.kind is not TaskKind.MERGE or merged.output not in merge.outputs:
        return None
    apart = merge.inputs[merge.outputs.index(merged.output)]
    made = tasks[apart.task]
    if made.kind is TaskKind.MERGE:  # of the parts that a fold is put together from
        return apart if "places" in dict(made.params) else None
    return apart if made.kind is TaskKind.LIFT and tasks[made.inputs[-1].task].kind is TaskKind.DEAL else None


def _is_linear(route: Value) -> bool:
    """Say whether what is fitted on a route is linear for rows that it was not fitted on, too."""
    assert isinstance(route, tuple)
    kind, *rest = route
    if kind == "join":
        assert isinstance(rest[0], tuple)
        return all(map(_is_linear, rest[0]))
    operator = operators.get(str(rest[0])) if kind == "step" else None
    return operator is None or (isinstance(operator, Linear) and operator.anywhere and _is_linear(rest[1]))


def _scores(task: Task, images: tuple[Task, ...], tasks: Mapping[Fingerprint, Task]) -> Task:
    *answers, y, splits = task.inputs
    parts = [
        (tasks[answer.task].inputs[0], image.port(), *image.inputs[1:])
        for answer, image in zip(answers, images, strict=True)
    ]
    route = dict(images[0].params)["route"]
    source = tasks[y.task]
    return replace(
        task,
        params=(*task.params, ("n_states", len(images[0].inputs) - 1), ("route", route)),
        inputs=(*[port for part in parts for port in part], source.port("X"), y, splits),
        label=f"{task.label} from sums",
    )
