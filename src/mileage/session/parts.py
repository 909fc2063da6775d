"""What part a step plays in a workflow: it prepares data, learns, or makes something of what was learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.policies import Part
from mileage.workflow.flow import Node
from mileage.workflow.flow.calls import FunctionCall, MethodCall, ValueCall
from mileage.workflow.flow.node import FlowTask

_FITS = frozenset({"fit", "fit_predict", "partial_fit", "cross_val_score", "cross_val_predict", "cross_validate"})


def parts_of(tasks: Iterable[FlowTask]) -> dict[Fingerprint, Part]:
    """Return the part each task plays, as the HELIX study counts iterations; a task comes after those it reads.

    A step learns if it is, makes or fits something that can predict, or if its own code fits something. What follows is
    post-processing, as is measuring; all else is preprocessing, transformers with what they fit included.
    """
    parts: dict[Fingerprint, Part] = {}
    for one in tasks:
        before = [parts[port.task] for port in one.task.inputs]
        parts[one.task.fingerprint] = _part(one.node, before)
    return parts


def _part(node: Node, before: list[Part]) -> Part:
    call = node.call
    if isinstance(call, ValueCall):
        return Part.LEARNING if _predicts(call.value) else Part.PREPROCESSING
    if isinstance(call, MethodCall) and call.changes:
        return (
            Part.LEARNING if call.method != "fit_transform" and _fits_a_model(node) else max(before, key=_ORDER.index)
        )
    if isinstance(call, FunctionCall):
        if isinstance(call.function, type) and _predicts(call.function):
            return Part.LEARNING
        if _fits_inside(call.function):
            return Part.LEARNING
        if str(getattr(call.function, "__module__", "")).startswith("sklearn.metrics"):
            return Part.POSTPROCESSING
    return Part.POSTPROCESSING if any(part != Part.PREPROCESSING for part in before) else Part.PREPROCESSING


_ORDER = tuple(Part)


def _predicts(value: Any) -> bool:
    return hasattr(value, "fit") and hasattr(value, "predict")


def _fits_a_model(node: Node) -> bool:
    """Say whether the object that is fitted can predict; one whose making is not known is taken to."""
    call = node.call
    while isinstance(call, MethodCall) and node.inputs:
        node = node.inputs[0].node
        call = node.call
    return _predicts(call.value) if isinstance(call, ValueCall) else not _only_transforms(call)


def _only_transforms(call: Any) -> bool:
    function = getattr(call, "function", None)
    return isinstance(function, type) and hasattr(function, "transform") and not hasattr(function, "predict")


def _fits_inside(function: Any) -> bool:
    if getattr(function, "__name__", "") in _FITS:
        return True
    code = getattr(function, "__code__", None)
    return code is not None and not _FITS.isdisjoint(code.co_names)
