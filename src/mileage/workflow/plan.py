"""A physical plan: tasks for a set of workflows in an order that can run, each with an action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.workflow.task import Port, Task


class Action(StrEnum):
    """What happens to a task: computed, loaded from what is kept, or not needed at all."""

    COMPUTE = "compute"
    LOAD = "load"
    PRUNE = "prune"


@dataclass(frozen=True)
class PlannedTask:
    """A task, its action and which of its outputs are kept; ``reason`` says why.

    Where a rule has put the task in the place of another one, ``by`` names it, and ``exactness`` says how exactly the outputs
    are those of the other.
    """

    task: Task
    action: Action = Action.COMPUTE
    keep: tuple[str, ...] = ()
    reason: str = ""
    by: str = ""
    exactness: Exactness = Exactness.BITWISE


@dataclass(frozen=True)
class PhysicalPlan:
    """Tasks in topological order, each fingerprint once, and the ports that are wanted.

    ``segments`` groups the tasks to be computed into units that one worker runs in one go (fingerprints in order);
    only ports wanted or read by another segment leave the worker.
    """

    tasks: tuple[PlannedTask, ...]
    wanted: tuple[Port, ...]
    segments: tuple[tuple[Fingerprint, ...], ...]

    def __iter__(self) -> Iterator[PlannedTask]:
        return iter(self.tasks)

    def count(self, action: Action) -> int:
        """Return how many tasks have this action."""
        return [planned.action for planned in self.tasks].count(action)
