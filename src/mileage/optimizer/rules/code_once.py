"""Tell categories apart once, and fit encoders on codes that all splits share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import Branch, operators
from mileage.operators.from_codes import FromCodes
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.ways import kinds_of, texts
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Task, TaskKind

_NAME = "code_once"
_LABELS = {Branch.CATEGORICAL: "code categories", Branch.TEXT: "count words"}


@rule(Exactness.BITWISE)
def code_once(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let encoders that compare the categories or words of each split with those that they know be fitted, and applied, on codes.

    ::

        train rows of split 1 → fit target          code categories ┬→ train rows of split 1 → fit target
        train rows of split 2 → fit target    ⇒                     └→ train rows of split 2 → fit target

    A code says which category a cell has, or how often a text has which words, and nothing else; what is fitted knows the categories of its train rows, as it would. Of a target encoder that
    is cross-fitted the inner folds, and so the sums of each level, are its own in each split: what it shares are the codes. Words are counted once for all
    numbers of them that are kept, but not of all rows where a split trains on a sample.

    Needs ``FromCodes``, and columns that come to the encoder as the source has them.

    Law: what is fitted, and its output, are the same bit by bit.
    """
    tasks = {planned.task.fingerprint: planned.task for planned in plan}
    computed = (planned.task for planned in plan if planned.action is Action.COMPUTE)
    coded = {fit.fingerprint: code for fit in computed if (code := _code_of(fit, tasks, context)) is not None}
    if len(coded) < 2 and not (coded and context.shares):
        return plan
    return replace(plan, tasks=tuple(_Coding(tasks, coded).tasks(plan)))


def _code_of(fit: Task, tasks: Mapping[Fingerprint, Task], context: PlanContext) -> Task | None:
    """Return the task that codes the cells that a fit reads, if it can be fitted on codes."""
    operator = operators.find(fit.operator) if fit.kind is TaskKind.FIT else None
    if not isinstance(operator, FromCodes) or len(fit.inputs) != 1 + operator.traits.reads_y:
        return None
    take = tasks[fit.inputs[0].task]
    if context.class_of(_NAME, fit.operator, Exactness.BITWISE) > context.floor or take.kind is not TaskKind.TAKE:
        return None
    source, columns = tasks[take.inputs[0].task], texts(dict(take.params)["columns"])
    kinds = kinds_of(source)
    if {kinds.get(name) for name in columns} != {operator.codes.value} or _is_dear(operator, take, tasks):
        return None
    params = {**operator.code_params(dict(fit.params)), "columns": columns}
    label, outputs = _LABELS[operator.codes], ("codes", "levels")
    known = tuple(params.items()), (), fit.versions, take.inputs[:1], outputs
    return Task(TaskKind.CODE, fit.operator, *known, label=label)


def _is_dear(operator: FromCodes, take: Task, tasks: Mapping[Fingerprint, Task]) -> bool:
    """Say whether coding all rows takes longer than reading those of a small sample: words do."""
    is_sample = len(take.inputs) > 1 and tasks[take.inputs[1].task].kind is TaskKind.SAMPLE
    return is_sample and operator.codes is Branch.TEXT


@dataclass(frozen=True)
class _Coding:
    """The tasks of a plan, and what codes the categories that a fit reads."""

    old: Mapping[Fingerprint, Task]
    coded: Mapping[Fingerprint, Task]

    def tasks(self, plan: PhysicalPlan) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, with what is fitted and applied on codes in place of what is on categories."""
        made: set[Fingerprint] = set()
        for planned in plan:
            new = self._rewritten(planned.task) if planned.action is Action.COMPUTE else ()
            for task in new[:-1]:
                if task.fingerprint not in made:
                    made.add(task.fingerprint)
                    yield PlannedTask(task, by=_NAME)
            yield replace(planned, task=new[-1], by=_NAME) if new else planned

    def _rewritten(self, task: Task) -> tuple[Task, ...]:
        """Return what takes the place of a task, after what it reads; nothing if it reads no codes."""
        if task.fingerprint in self.coded:
            code, rows = self.coded[task.fingerprint], task.inputs[0]
        elif task.kind is TaskKind.APPLY and task.inputs[0].task in self.coded:
            code, rows = self.coded[task.inputs[0].task], task.inputs[1]
        else:
            return ()
        take = self.old[rows.task]
        if take.kind is not TaskKind.TAKE or take.inputs[0] != code.inputs[0]:
            return ()
        taken = replace(take, inputs=(code.port("codes"), *take.inputs[1:]))
        inputs = tuple(taken.port() if port == rows else port for port in task.inputs)
        return code, taken, replace(task, inputs=(*inputs, code.port("levels")), same_as=task.fingerprint)
