"""What a step does to the rows it is given: the one thing that must be known to run a flow on a sample.

A function says so itself (``step(f, rows="each")``); what libraries do is in the small tables here. What is in neither
mixes rows: then a sample is taken after it, which is never wrong, only dearer.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mileage.workflow.flow.calls import Call, FunctionCall, MethodCall, Slot, ValueCall
from mileage.workflow.flow.node import Node, NodePort


class Rows(StrEnum):
    """What a step does to rows.

    ======== ==============================================================================================
    each     row i of the output depends on row i of the inputs: arithmetic, columns, ``predict``
    mixes    anything: history, groups, joins, sorting, dropping rows, splits
    learns   gives a model of the rows (and, for ``fit_transform``, rows besides)
    scores   gives a number or a report about the rows
    value    reads no rows: an estimator to be fitted, an attribute of a model
    ======== ==============================================================================================
    """

    EACH = "each"
    MIXES = "mixes"
    LEARNS = "learns"
    SCORES = "scores"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class RowUse:
    """What a step does to rows, and which of its inputs are what.

    ``rows`` are the inputs that may hold rows, the leading one first; ``model`` the inputs that are models;
    ``features`` and ``label`` the matrix and the target of a learning step or of a model's method.
    """

    kind: Rows
    rows: tuple[int, ...] = ()
    model: tuple[int, ...] = ()
    features: int | None = None
    label: int | None = None
    declared: bool = False


_FITS = frozenset({"fit", "fit_transform", "fit_predict", "partial_fit"})
_GIVE_ROWS = frozenset({"fit_transform", "fit_predict"})
_MODEL_ONLY = frozenset({"predict", "predict_proba", "predict_log_proba", "decision_function", "score"})
_APPLY = _MODEL_ONLY | {"transform", "score_samples", "inverse_transform", "kneighbors"}
_LIBRARY_LEARNS = frozenset(
    {"cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve"}
)
_EACH_METHODS = frozenset({
    "abs", "add", "assign", "between", "clip", "copy", "div", "eq", "fillna", "floordiv", "ge", "get", "gt", "isin", "isna",
    "isnull", "le", "lt", "map", "mask", "mod", "mul", "ne", "notna", "notnull", "pop", "pow", "rename", "replace", "round",
    "select_dtypes", "set_axis", "sub", "to_frame", "to_numpy", "truediv", "where",
})  # fmt: skip
_EACH_ACCESSORS = frozenset({"dt", "str"})
_NOT_EACH_OF_TEXT = frozenset({"get_dummies", "cat"})
_EACH_FUNCTIONS = frozenset(
    {"column_stack", "where", "clip", "nan_to_num", "to_datetime", "to_numeric", "isin", "round"}
)
_LIBRARIES = frozenset({"numpy", "pandas"})
_OPERATORS = frozenset(
    getattr(operator, name)
    for name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor",
        "eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "invert", "abs",
    )
)  # fmt: skip
_LABELS = ("y", "target", "label", "labels", "y_true")


def row_uses(nodes: Iterable[Node]) -> dict[Node, RowUse]:
    """Return what each step of a flow does to rows; ``nodes`` come inputs first."""
    order = list(nodes)
    learners = _read_as_models(order)
    made: dict[Node, RowUse] = {}
    for node in order:
        models = tuple(i for i, port in enumerate(node.inputs) if is_model(port, made))
        made[node] = _use(node, models, learns=node in learners)
    return made


def is_model(port: NodePort, uses: Mapping[Node, RowUse]) -> bool:
    """Say whether a value is a fitted or unfitted estimator, and so no rows."""
    use = uses[port.node]
    if use.kind is Rows.LEARNS:
        return not gives_rows(port, uses)
    return use.kind is Rows.VALUE


def gives_rows(port: NodePort, uses: Mapping[Node, RowUse]) -> bool:
    """Say whether a value may hold rows."""
    use, call = uses[port.node], port.node.call
    if use.kind is Rows.LEARNS:
        by_method = isinstance(call, MethodCall) and call.method in _GIVE_ROWS and port.output == 1
        by_function = (
            isinstance(call, FunctionCall) and getattr(call.function, "__mileage_gives_rows__", None) == port.output
        )
        return by_method or by_function or _name(call) == "cross_val_predict"
    return use.kind in {Rows.EACH, Rows.MIXES}


def _read_as_models(order: list[Node]) -> set[Node]:
    """Return the undeclared functions whose result is asked to predict: they learn."""
    found = set()
    for node in order:
        if isinstance(node.call, MethodCall) and node.call.method in _MODEL_ONLY:
            owner = node.inputs[0].node
            while isinstance(owner.call, FunctionCall) and owner.call.function in {getattr, operator.getitem}:
                owner = owner.inputs[0].node
            if (
                isinstance(owner.call, FunctionCall)
                and not owner.rows
                and owner.inputs
                and not _is_estimator(owner.call)
            ):
                found.add(owner)
    return found


def _use(node: Node, models: tuple[int, ...], *, learns: bool) -> RowUse:
    call = node.call
    others = tuple(i for i in range(len(node.inputs)) if i not in models)
    if isinstance(call, MethodCall):
        return _of_method(node, call, models, others)
    if not isinstance(call, FunctionCall):
        estimator = isinstance(call, ValueCall) and hasattr(call.value, "fit")
        return RowUse(Rows.VALUE) if estimator else RowUse(Rows.MIXES, others, models)
    if learns or node.rows == "learns" or (_is_sklearn(call.function) and _name(call) in _LIBRARY_LEARNS):
        features, label = _features_and_label(call, others)
        rows = tuple(sorted(others, key=lambda i: i != features))
        return RowUse(Rows.LEARNS, rows, models, features, label, declared=True)
    if node.rows:
        return RowUse(Rows(node.rows), others, models, declared=True)
    if _is_estimator(call) or (models and call.function in {getattr, operator.getitem}):
        return RowUse(Rows.VALUE, (), models)
    if _module(call.function).startswith("sklearn.metrics") or hasattr(call.function, "__mileage_scores__"):
        truth = _slots(_arguments(call).get("y_true", ())) or others[:1]
        return RowUse(Rows.SCORES, others, models, label=truth[0] if truth else None)
    kind = Rows.EACH if _is_each(node, call) else Rows.MIXES
    return RowUse(kind, others, models)


def _of_method(node: Node, call: MethodCall, models: tuple[int, ...], others: tuple[int, ...]) -> RowUse:
    if call.method in _FITS or (call.method in _APPLY and 0 in models):
        named = _arguments(call)
        rows = tuple(i for i in others if i != 0)
        features = next(iter(_slots(named.get("X", call.args[:1]))), None)
        label = next(iter(_slots(named.get("y", call.args[1:2]))), None)
        kind = Rows.LEARNS if call.method in _FITS else Rows.SCORES if call.method == "score" else Rows.EACH
        rows = tuple(sorted(rows, key=lambda i: i != features))
        return RowUse(kind, rows, tuple(dict.fromkeys((0, *models))), features, label)
    if 0 in models:
        return RowUse(Rows.VALUE, others, models)
    owner = node.inputs[0].node
    accessor = _accessor(owner)
    if accessor:
        kind = Rows.EACH if accessor in _EACH_ACCESSORS and call.method not in _NOT_EACH_OF_TEXT else Rows.MIXES
        return RowUse(kind, others, models)
    each = call.method in _EACH_METHODS
    if call.method == "astype":
        each = "category" not in str(call.args) + str(call.kwargs)
    elif call.method == "apply":
        each = call.kwargs.get("axis") in {1, "columns"}
    elif call.method == "drop":
        each = "columns" in call.kwargs and "index" not in call.kwargs and not call.args
    elif call.method == "fillna":
        each = "method" not in call.kwargs
    return RowUse(Rows.EACH if each else Rows.MIXES, others, models)


def _is_each(node: Node, call: FunctionCall) -> bool:
    function, name = call.function, _name(call)
    if function in _OPERATORS:
        return True
    if function is operator.getitem:
        key = call.args[1]
        plain = isinstance(key, str) or (isinstance(key, list) and all(isinstance(k, str) for k in key))
        return plain and isinstance(call.args[0], Slot)
    if name == "_set_item" and _module(function) == "mileage.workflow.flow.deferred":
        return isinstance(call.args[1], str)
    if function is getattr:
        return call.args[1] in _EACH_ACCESSORS | {"values"} or _accessor(node.inputs[0].node) in _EACH_ACCESSORS
    if type(function).__name__ == "ufunc":
        return True
    return _module(function).partition(".")[0] in _LIBRARIES and name in _EACH_FUNCTIONS


def _accessor(owner: Node) -> str:
    """Return ``dt`` for ``column.dt``; empty for anything else."""
    call = owner.call
    named = isinstance(call, FunctionCall) and call.function is getattr and call.args[1] in {"dt", "str", "cat", "plot"}
    return str(call.args[1]) if named and isinstance(call, FunctionCall) else ""


def _features_and_label(call: FunctionCall, others: tuple[int, ...]) -> tuple[int | None, int | None]:
    named = _arguments(call)
    features = next((i for i in _slots(named.get("X", ())) if i in others), others[0] if others else None)
    rest = [i for i in others if i != features]
    label = next((i for name in _LABELS for i in _slots(named.get(name, ())) if i in rest), rest[0] if rest else None)
    return features, label


def _arguments(call: FunctionCall | MethodCall) -> dict[str, Any]:
    from mileage.workflow.flow.calls import _named

    function = call.function if isinstance(call, FunctionCall) else None
    return dict(call.kwargs) if function is None else _named(function, call.args, dict(call.kwargs))


def _slots(template: Any) -> tuple[int, ...]:
    if isinstance(template, Slot):
        return (template.position,)
    if isinstance(template, list | tuple):
        return tuple(i for item in template for i in _slots(item))
    return ()


def _is_estimator(call: FunctionCall) -> bool:
    return isinstance(call.function, type) and hasattr(call.function, "fit")


def _is_sklearn(function: Any) -> bool:
    return _module(function).partition(".")[0] == "sklearn"


def _module(function: Any) -> str:
    return str(getattr(function, "__module__", "") or "")


def _name(call: Call) -> str:
    return str(getattr(call.function, "__name__", "")) if isinstance(call, FunctionCall) else ""
