"""Which values are plans of skrub: those are taken apart by :mod:`mileage.workflow.flow.skrub_plan`, if skrub is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.workflow.flow.deferred import COMPOSITES, Deferred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mileage.workflow.flow.skrub_learner import Marked


def is_plan(value: Any) -> bool:
    """Say whether a value is a DataOp of skrub.

    Examples
    --------
    >>> is_plan(1)
    False
    """
    return (type(value).__module__, type(value).__name__) == ("skrub", "DataOp")


def planned(value: Any) -> Any:
    """Return the deferred value of a plan, and of lists, tuples and dicts of plans; anything else as it is."""
    if is_plan(value):
        return _conversions().value_of(value)
    if type(value) in {list, tuple}:
        return type(value)(planned(item) for item in value)
    if type(value) is dict:
        return {key: planned(item) for key, item in value.items()}
    return value


def plans_in(scope: Mapping[str, Any]) -> dict[str, Deferred]:
    """Return the plans among variables as deferred values; what several of them hold is made once."""
    found = {name: value for name, value in scope.items() if is_plan(value) and not name.startswith("_")}
    return _conversions().values_of(found) if found else {}


def marked(value: Any) -> Marked | None:
    """Return a plan as cross-validation sees it: its rows, target and folds; None for what is no plan."""
    if not is_plan(value):
        return None
    from mileage.workflow.flow.skrub_learner import Marked

    return Marked.of(value)


def _plan(value: Any, label: str) -> Any:
    """Return what ``step`` makes of a plan, or of a learner of one; None for anything else."""
    if is_plan(value):
        return _conversions().value_of(value, label)
    if any((kind.__module__, kind.__name__) == ("skrub", "SkrubLearner") for kind in type(value).__mro__):
        from mileage.workflow.flow.skrub_learner import Learner

        return Learner(value.data_op)
    return None


COMPOSITES.append(_plan)


def _conversions() -> Any:
    from mileage.workflow.flow import skrub_plan

    return skrub_plan
