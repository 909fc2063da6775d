"""Sum up the rows that a larger sample adds, and merge them with the sums of the smaller one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Task, TaskKind

_NAME = "grow_sums"
_ALL = 1.0
_N_INPUTS = 4  # features, target, layout and splits: of sums that do not grow yet


@rule(Exactness.FP)
def grow_sums(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let the sums of a sample be those of the next smaller one, merged with the sums of the rows that it adds.

    ::

        sample 0.1 → sums of fold 1        sample 0.1 → sums of fold 1 ────────────────────┬→ merge
        sample 0.2 → sums of fold 1   ⇒    sample 0.2, 0.1 → sums of what fold 1 gains ────┘

    So a search that looks at ever more rows sums up each of them once, for all configurations and folds. A sample of one seed is
    part of every larger one, and of the rows that were dealt, which are the largest. The smaller samples are those of this plan, and
    those that a search has grown through before (``context.rungs``), whose sums are there.

    Needs sums, which merge: whatever is fitted from them grows, without a word of its own.

    Law: what is learned is the same but for rounding.
    """
    growing = _Growing(plan, context)
    return replace(plan, tasks=tuple(growing.tasks())) if growing.samples else plan


class _Growing:
    """Sums by what they are of, so that each is planned once."""

    def __init__(self, plan: PhysicalPlan, context: PlanContext) -> None:
        self.plan = plan
        self.old = {planned.task.fingerprint: planned for planned in plan}
        planned = (one.task for one in plan if one.task.kind is TaskKind.SAMPLE)
        self.samples = tuple(dict.fromkeys((*context.rungs, *planned)))
        self.made: set[Fingerprint] = set()
        self.new: list[PlannedTask] = []

    def tasks(self) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, with sums that grow in place of those that look at all rows of a sample again."""
        for planned in self.plan:
            self._add(planned)
            yield from self.new
            self.new = []

    def _add(self, planned: PlannedTask) -> Task:
        """Plan a task once, after what it reads."""
        name = planned.task.fingerprint
        if name in self.made:
            return planned.task
        if (
            planned.task.kind is TaskKind.LIFT
            and planned.action is Action.COMPUTE
            and len(planned.task.inputs) == _N_INPUTS
        ):
            grown = self._grown(planned.task)
            if grown is not planned.task:
                planned = replace(planned, task=grown, by=_NAME, exactness=Exactness.FP)
        for port in planned.task.inputs:
            if port.task in self.old:
                self._add(self.old[port.task])
        self.made.add(name)
        self.new.append(planned)
        return planned.task

    def _add_new(self, task: Task) -> Task:
        return self._add(self.old.get(task.fingerprint, PlannedTask(task, by=_NAME, exactness=Exactness.FP)))

    def _grown(self, lift: Task) -> Task:
        """Return the task that merges the sums of the next smaller sample and of what this one adds."""
        smaller = self._smaller(self.old[lift.inputs[-1].task].task)
        if smaller is None:
            return lift
        before = self._add_new(replace(lift, inputs=(*lift.inputs[:-1], smaller.port("splits"))))
        inputs, label = (*lift.inputs, smaller.port("splits")), f"{lift.label}, what a sample adds"
        added = self._add_new(replace(lift, inputs=inputs, label=label))
        merge = Task(TaskKind.MERGE, inputs=(before.port(), added.port()), label="merge with what a sample adds")
        return replace(merge, same_as=lift.fingerprint)

    def _smaller(self, splits: Task) -> Task | None:
        """Return the next smaller sample of the same rows."""
        some = [sample for sample in self.samples if _is_part(sample, splits)]
        found = max(some, key=_share, default=None)
        if found is not None and found.fingerprint not in self.old:
            self.old[found.fingerprint] = PlannedTask(found, by=_NAME)
        return found


def _is_part(sample: Task, splits: Task) -> bool:
    """Say whether a sample is a smaller part of the same rows, and nested: of the rows as they were dealt, or of a sample of the same seed."""
    if splits.kind is TaskKind.DEAL:
        return sample.inputs[0] == splits.port("splits") and _share(sample) < _ALL
    alike = replace(sample, params=splits.params) == splits
    same = {**dict(sample.params), "fraction": None} == {**dict(splits.params), "fraction": None}
    return alike and same and _share(sample) < _share(splits)


def _share(sample: Task) -> float:
    return float(str(dict(sample.params)["fraction"]))
