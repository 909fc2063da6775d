"""What will be changed next, learned from what was changed before; and so, what will be read again.

Each version of a flow changed some step. A step's rate of change is a Beta-Bernoulli estimate of its own history, drawn
towards that of its part of the workflow (preprocessing, learning, postprocessing); older versions count less.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mileage.optimizer.policies.known import Part

_DECAY = 0.9
_PART_PRIOR = {Part.PREPROCESSING: 1.0, Part.LEARNING: 2.0, Part.POSTPROCESSING: 1.5}  # of 4.5 changes
_UNDO_PRIOR = (0.15, 1.0)
_STEP_WEIGHT = 1.0  # changes of its part that a step's own history weighs against
_HORIZON = 0.75  # each further version counts so much of the one before
_LARGEST = 400


@dataclass
class ChangeModel:
    """Rates of change by part and by step, and of undoing.

    Examples
    --------
    >>> model = ChangeModel()
    >>> for _ in range(6):
    ...     model.observe(["threshold"])
    >>> chances = model.chances({"clean": Part.PREPROCESSING, "threshold": Part.POSTPROCESSING})
    >>> chances["threshold"] > 3 * chances["clean"]
    True
    """

    steps: dict[str, float] = field(default_factory=dict)
    undone: float = _UNDO_PRIOR[0]
    versions: float = _UNDO_PRIOR[1]

    def observe(self, changed: Collection[str], *, undo: bool = False) -> None:
        """Learn from one version: the steps that were edited themselves, and whether it went back to an older one."""
        self.steps = {step: weight * _DECAY for step, weight in self.steps.items()}
        self.undone, self.versions = self.undone * _DECAY + undo, self.versions * _DECAY + 1
        for step in changed:
            self.steps[step] = self.steps.get(step, 0.0) + 1 / len(changed)

    @property
    def undo(self) -> float:
        """The chance that the next version goes back."""
        return self.undone / self.versions

    def chances(self, parts: Mapping[str, Part]) -> dict[str, float]:
        """Return the chance of each step that the next change is there; they add up to 1."""
        members: dict[Part, list[str]] = {}
        for step, part in parts.items():
            members.setdefault(part, []).append(step)
        made: dict[str, float] = {}
        weight = {
            part: _PART_PRIOR[part] + sum(self.steps.get(s, 0.0) for s in found) for part, found in members.items()
        }
        total = sum(weight.values())
        for part, found in members.items():
            own = {step: _STEP_WEIGHT / len(found) + self.steps.get(step, 0.0) for step in found}
            whole = sum(own.values())
            made |= {step: weight[part] / total * share / whole for step, share in own.items()}
        return made


def expected_reads(
    inputs: Mapping[str, Sequence[str]], chances: Mapping[str, float], wanted: Collection[str], undo: float
) -> dict[str, float]:
    """Return how often the result of each task will be read over the next versions.

    A version changes one step. A result is read if it stays valid and one of its readers does not, or it is shown; and it
    comes back once what changed is undone. Over more versions than one this is a geometric series.

    Parameters
    ----------
    inputs : mapping of task to tasks
        In topological order; the whole current version.
    chances : mapping of task to float
        Where the next change is.
    wanted : collection of tasks
        What is shown.
    undo : float
        The chance that a change is undone.
    """
    if len(inputs) > _LARGEST:
        return dict.fromkeys(inputs, 0.7)
    place = {task: i for i, task in enumerate(inputs)}
    above = _above(inputs, place)
    weight = [chances.get(task, 0.0) for task in inputs]
    readers: list[list[int]] = [[] for _ in inputs]
    for task, before in inputs.items():
        for name in before:
            if name in place:
                readers[place[name]].append(place[task])
    made = {}
    for task, i in place.items():
        broken = sum(w for x, w in enumerate(weight) if above[i] >> x & 1)
        read = 0.0
        for x, w in enumerate(weight):
            if w and not above[i] >> x & 1:
                read += w * (task in wanted or any(above[r] >> x & 1 for r in readers[i]))
        made[task] = read / (1 - _HORIZON * (1 - broken)) + undo * broken * _HORIZON
    return made


def _above(inputs: Mapping[str, Sequence[str]], place: Mapping[str, int]) -> list[int]:
    """Return, as bits, each task and all tasks before it."""
    above: list[int] = []
    for task, before in inputs.items():
        bits = 1 << place[task]
        for name in before:
            if name in place:
                bits |= above[place[name]]
        above.append(bits)
    return above
