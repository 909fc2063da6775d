"""Several workflows as one that predicts the weighted mean of what they predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mileage.operators.base import Branch, StepSpec
from mileage.workflow.step import Step, Workflow

BLEND = "blend"
Slots = tuple[tuple[str, tuple[StepSpec, ...]], ...]


def blend_slots(numbers: Sequence[int], weights: Sequence[float]) -> Slots:
    """Return the configuration of a blend: the numbers of the trials it is made of, and their weights.

    Examples
    --------
    >>> members_of(blend_slots((3, 8), (0.75, 0.25)))
    ((3, 0.75), (8, 0.25))
    """
    params = (("of", tuple(int(n) for n in numbers)), ("weights", tuple(float(w) for w in weights)))
    return ((BLEND, (StepSpec(BLEND, params),)),)


def members_of(slots: Slots) -> tuple[tuple[int, float], ...]:
    """Return the numbers of the trials that a configuration blends, with their weights; none if it is no blend."""
    if [slot for slot, _ in slots] != [BLEND]:
        return ()
    params: dict[str, Any] = dict(slots[0][1][0].params)
    return tuple(zip(params["of"], params["weights"], strict=True))


def blended(members: Sequence[tuple[float, Workflow]], slots: Slots) -> Workflow:
    """Return the workflow whose predictions are the mean of its members', by weight.

    The steps of the members stay as they are: what was fitted or predicted for one of them is so for the blend.

    Parameters
    ----------
    members : sequence of (weight, Workflow)
        Two or more, none a blend itself.
    slots : tuple of (slot, steps)
        As :func:`blend_slots` gives them.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> from mileage.workflow.instantiate import Features, Setting, instantiate
    >>> made = [
    ...     instantiate((("model", (StepSpec(name),)),), Features(("age",)), Setting("binary", 100))[0]
    ...     for name in ("logistic", "knn")
    ... ]
    >>> both = blended([(0.75, made[0]), (0.25, made[1])], blend_slots((1, 2), (0.75, 0.25)))
    >>> [step.name for step in both.steps if step.is_model], [weight for weight, _ in unblended(both)]
    (['1/model', '2/model', 'model'], [0.75, 0.25])
    """
    steps = [_as_member(step, i) for i, (_, workflow) in enumerate(members, 1) for step in workflow.steps]
    models = tuple(f"{i}/model" for i in range(1, len(members) + 1))
    weights = tuple(float(weight) for weight, _ in members)
    blend = Step("model", None, models, Branch.MATRIX, (), (("weights", weights),))
    return Workflow((*steps, blend), members[0][1].task, slots)


def unblended(workflow: Workflow) -> tuple[tuple[float, Workflow], ...]:
    """Return the members of a blend with their weights; of another workflow, itself with the weight 1."""
    last = workflow.model
    if not last.is_blend:
        return ((1.0, workflow),)
    parts = [
        tuple(_alone(step, i) for step in workflow.steps if step.name.startswith(f"{i}/"))
        for i in range(1, len(last.inputs) + 1)
    ]
    return tuple((w, Workflow(steps, workflow.task)) for w, steps in zip(last.weights, parts, strict=True))


def _as_member(step: Step, number: int) -> Step:
    return replace(step, name=f"{number}/{step.name}", inputs=tuple(f"{number}/{name}" for name in step.inputs))


def _alone(step: Step, number: int) -> Step:
    first = len(f"{number}/")
    return replace(step, name=step.name[first:], inputs=tuple(name[first:] for name in step.inputs))
