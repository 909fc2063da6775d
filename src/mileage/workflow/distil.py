"""A workflow whose model has learned what other workflows say: a teacher, made-up rows, and a student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mileage.core.domains import Value
from mileage.operators.base import Branch, StepSpec
from mileage.workflow.blend import BLEND, Slots
from mileage.workflow.step import Step, Workflow

DISTILLED = "distilled"
MADE_UP = "made_up"  # the step that makes rows up, and its part of a configuration
_TEACHER = "teacher/"


def distilled_slots(numbers: Sequence[int], weights: Sequence[float], rows: StepSpec, student: StepSpec) -> Slots:
    """Return the configuration of a distilled workflow: the trials that teach with their weights, how rows are made up, the student.

    Examples
    --------
    >>> rows, student = StepSpec.of(MADE_UP, swap=0.3, times=2), StepSpec("soft_trees")
    >>> teachers_of(distilled_slots((3, 8), (0.75, 0.25), rows, student))
    ((3, 0.75), (8, 0.25))
    """
    params = (("of", tuple(int(n) for n in numbers)), ("weights", tuple(float(w) for w in weights)))
    return ((DISTILLED, (StepSpec(BLEND, params), rows, student)),)


def teachers_of(slots: Slots) -> tuple[tuple[int, float], ...]:
    """Return the numbers of the trials whose blend teaches, with their weights; none if the configuration is not distilled."""
    if [slot for slot, _ in slots] != [DISTILLED]:
        return ()
    params: dict[str, Any] = dict(slots[0][1][0].params)
    return tuple(zip(params["of"], params["weights"], strict=True))


@dataclass(frozen=True)
class Lesson:
    """The parts of a distilled workflow: who teaches, the columns that rows are made up of and how, and who learns."""

    teacher: Workflow
    columns: tuple[str, ...]
    how: tuple[tuple[str, Value], ...]
    student: Workflow


def distilled(teacher: Workflow, student: Workflow, slots: Slots, seed: int) -> Workflow:
    """Return the workflow whose student learns what the teacher says; it predicts by the student's steps alone.

    Parameters
    ----------
    teacher : Workflow
        A blend or a single workflow.
    student : Workflow
        Its model learns values, or probabilities of classes.
    slots : tuple of (slot, steps)
        As :func:`distilled_slots` gives them.
    seed : int
        Of the rows that are made up.

    Examples
    --------
    >>> from mileage.workflow.instantiate import Features, Setting, instantiate
    >>> teacher, student = (
    ...     instantiate((("model", (StepSpec(name),)),), Features(("age",)), Setting("binary", 100))[0]
    ...     for name in ("logistic", "soft_trees")
    ... )
    >>> slots = distilled_slots((1,), (1.0,), StepSpec.of(MADE_UP, swap=0.3, times=2), StepSpec("soft_trees"))
    >>> made = distilled(teacher, student, slots, 0)
    >>> [step.name for step in made.steps]
    ['teacher/numeric', 'teacher/join', 'teacher/model', 'made_up', 'numeric', 'join', 'model']
    >>> lesson_in(made) == Lesson(
    ...     replace(teacher, slots=()), ("age",), (("seed", 0), ("swap", 0.3), ("times", 2)), replace(student, slots=())
    ... )
    True
    """
    taught = tuple(
        replace(step, name=f"{_TEACHER}{step.name}", inputs=tuple(f"{_TEACHER}{name}" for name in step.inputs))
        for step in teacher.steps
    )
    columns = tuple(sorted({name for step in (*teacher.steps, *student.steps) for name in step.columns}))
    how: tuple[tuple[str, Value], ...] = tuple(sorted((*slots[0][1][1].params, ("seed", seed))))
    rows = Step(MADE_UP, None, (f"{_TEACHER}model",), Branch.MATRIX, columns, how)
    learns = tuple(replace(step, inputs=(MADE_UP,)) if step.columns else step for step in student.steps)
    return Workflow((*taught, rows, *learns), teacher.task, slots)


def lesson_in(workflow: Workflow) -> Lesson | None:
    """Return the parts of a distilled workflow; None if it is none."""
    names = [step.name for step in workflow.steps]
    if MADE_UP not in names:
        return None
    place = names.index(MADE_UP)
    first = len(_TEACHER)
    taught = tuple(
        replace(step, name=step.name[first:], inputs=tuple(name[first:] for name in step.inputs))
        for step in workflow.steps[:place]
    )
    learns = tuple(replace(step, inputs=()) if step.columns else step for step in workflow.steps[place + 1 :])
    rows, task = workflow.steps[place], workflow.task
    return Lesson(Workflow(taught, task), rows.columns, rows.context, Workflow(learns, task))


def serving(workflow: Workflow) -> Workflow:
    """Return the workflow that predicts: of a distilled one the student, of any other itself."""
    lesson = lesson_in(workflow)
    return workflow if lesson is None else lesson.student
