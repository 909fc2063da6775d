"""A workflow as unfitted scikit-learn estimators: one chain for each branch of columns, then the tail.

The same operators build the same estimators for the engine's tasks, so what is assembled here is what was scored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mileage.operators import BuildContext, operators
from mileage.workflow.blend import unblended
from mileage.workflow.distil import lesson_in
from mileage.workflow.step import Step, Workflow


@dataclass(frozen=True)
class Assembly:
    """Branches ``(name, estimators, columns)`` in the order they are joined, then the steps on the joined matrix."""

    branches: tuple[tuple[str, tuple[Any, ...], tuple[str, ...]], ...]
    tail: tuple[tuple[str, Any], ...]
    dense: bool


def build_step(step: Step) -> Any:
    """Return the unfitted estimator of a step."""
    assert step.spec is not None
    operator = operators.get(step.spec.operator)
    context: Mapping[str, Any] = dict(step.context)
    return operator.build(operator.complete(dict(step.spec.params)), BuildContext(**context))


def assemble(workflow: Workflow) -> Assembly:
    """Return the estimators of a workflow that is no blend, unfitted.

    Examples
    --------
    >>> from mileage.operators import StepSpec
    >>> from mileage.workflow import Features, Setting, instantiate
    >>> choices = (("model", (StepSpec("ridge"),)),)
    >>> workflow, _ = instantiate(choices, Features(("age",), ("sex",), levels=2), Setting("regression", 100))
    >>> [(name, columns) for name, _, columns in assemble(workflow).branches]
    [('numeric', ('age',)), ('categorical', ('sex',))]
    """
    by_name = {step.name: step for step in workflow.steps}
    join = next(step for step in workflow.steps if step.spec is None and not step.columns)
    branches = tuple(_branch(by_name, last) for last in join.inputs)
    after = workflow.steps[workflow.steps.index(join) + 1 :]
    return Assembly(branches, tuple((step.name, build_step(step)) for step in after), bool(dict(join.context)["dense"]))


def _branch(by_name: Mapping[str, Step], last: str) -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
    chain: list[Any] = []
    step = by_name[last]
    while step.spec is not None:
        chain.append(build_step(step))
        step = by_name[step.inputs[0]]
    return step.name, tuple(reversed(chain)), step.columns


def to_estimator(workflow: Workflow) -> Any:
    """Return one unfitted scikit-learn estimator that reads a DataFrame of the raw columns.

    That is a ``Pipeline``; of a blend, a ``VotingClassifier`` or ``VotingRegressor`` of several; of a distilled one, a
    :class:`~mileage.workflow.student.Distilled`.
    """
    if (lesson := lesson_in(workflow)) is not None:
        from mileage.workflow.student import Distilled

        teacher, student = to_estimator(lesson.teacher), to_estimator(lesson.student)
        how: dict[str, Any] = dict(lesson.how)
        return Distilled(teacher, student, list(lesson.columns), **how)
    members = unblended(workflow)
    if len(members) == 1:
        return _pipeline(workflow)
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    named = [(f"member_{i}", _pipeline(member)) for i, (_, member) in enumerate(members, 1)]
    weights = [weight for weight, _ in members]
    if workflow.task == "regression":
        return VotingRegressor(named, weights=weights)
    return VotingClassifier(named, voting="soft", weights=weights)


def _pipeline(workflow: Workflow) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline, make_pipeline

    made = assemble(workflow)
    parts = [
        (name, make_pipeline(*chain) if len(chain) > 1 else (chain[0] if chain else "passthrough"), list(columns))
        for name, chain, columns in made.branches
    ]
    prepare = ColumnTransformer(parts, sparse_threshold=0.0 if made.dense else 1.0)
    return Pipeline([("prepare", prepare), *made.tail])
