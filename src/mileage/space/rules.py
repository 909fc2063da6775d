"""Which operators do not go together, and why: the conditions every configuration must meet."""

from __future__ import annotations

from collections.abc import Iterable

from mileage.operators import Branch, Family, Operator, StepSpec, operators


def conflict(specs: Iterable[StepSpec], task: str) -> str | None:
    """Return why these steps cannot form one workflow, or None if they can.

    Examples
    --------
    >>> conflict([StepSpec("impute_native"), StepSpec("ridge")], "regression")
    'ridge cannot read missing values, and impute_native leaves them in'
    """
    steps = [operators.get(spec.operator) for spec in specs]
    holes = _leaves_missing(steps)
    model = next((op for op in steps if op.family is Family.MODEL), None)
    wrong_task = next((op.name for op in steps if task not in op.tasks), None)
    if wrong_task is not None:
        return f"{wrong_task} does not serve {task}"
    joined = next((op.name for op in steps if op.family in {Family.SELECT, Family.REDUCE} and op.name != "none"), None)
    codes = next((op.name for op in steps if op.emits is Branch.CODES), None)
    if codes and joined:
        return f"{joined} would mix the category codes of {codes}"
    if joined and holes:
        return f"{joined} cannot read missing values, and {holes} leaves them in"
    return _model_conflict(model, steps, codes) if model is not None else None


def _model_conflict(model: Operator, steps: list[Operator], codes: str | None) -> str | None:
    traits, name = model.traits, model.name
    holes = _leaves_missing(steps)
    if codes and not traits.native_categorical:
        return f"{name} cannot read category codes of {codes}"
    if not traits.native_missing and holes:
        return f"{name} cannot read missing values, and {holes} leaves them in"
    if traits.non_negative:
        bad = sorted(op.name for op in steps if op.traits.negative)
        if bad:
            return f"{name} needs values >= 0, and {bad[0]} gives negative ones"
    return None


def _leaves_missing(steps: Iterable[Operator]) -> str | None:
    """Return the name of the step that was chosen for missing values and leaves them in, if there is one."""
    return next((op.name for op in steps if op.family is Family.IMPUTE and op.traits.keeps_missing), None)
