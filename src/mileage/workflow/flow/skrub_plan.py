"""A skrub plan as a flow: each node of its graph becomes a step, with the results of skrub.

The graph is walked in the order in which skrub evaluates it, each node by one function named after its kind. Choices are
taken at their defaults, and what is known before anything runs (the mode, a variable that holds a number or a path, a branch)
is decided here. A plan may be walked several times: to be fitted, and then to predict other rows with what was fitted.
"""

from __future__ import annotations

import operator
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from mileage.core.fingerprint import fingerprint
from mileage.workflow.flow.calls import FunctionCall, MethodCall, ValueCall
from mileage.workflow.flow.deferred import Deferred, FlowError, _called, _template, deferred_in, node_of
from mileage.workflow.flow.node import NOWHERE, Node, NodePort, Where
from mileage.workflow.flow.skrub_steps import (
    apply_estimator,
    as_tuple,
    concatenated,
    fit_estimator,
    same,
)
from mileage.workflow.identity import Identity, Part
from mileage.workflow.identity.library import library_state

Walk = Generator[Any, Any, Any]
_PLAIN = (type(None), bool, int, float, str, bytes, Path)
_IS_LAST = object()  # what a node asks the walk: whether no estimator waits for it


@cache
def skrub_parts() -> SimpleNamespace:
    """Return what is used of skrub; it is no public part of it.

    Raises
    ------
    FlowError
        If this version has it no more.
    """
    try:
        from skrub import DataOp
        from skrub._data_ops import _choosing, _evaluation, _subsampling, _utils

        return SimpleNamespace(
            DataOp=DataOp,
            Choice=_choosing.BaseChoice,
            ChoiceMatch=_choosing.Match,
            find_first_apply=_evaluation.find_first_apply,
            find_marks=_evaluation.find_X_y_and_cv,
            find_scoring=_evaluation.find_scoring_node,
            supported_modes=_evaluation.supported_modes,
            subsamples=_subsampling._should_subsample,
            NULL=_utils.NULL,
            X=_utils.X_NAME,
            y=_utils.Y_NAME,
        )
    except (ImportError, AttributeError) as error:
        raise FlowError(
            f"this version of skrub keeps its plans in another way: {error}",
            code="F720",
            hint='install the one that MILE knows: pip install "mileage[skrub]"',
        ) from error


@dataclass(frozen=True)
class SkrubCall(FunctionCall):
    """A function of ours that asks skrub: its version belongs to the identity."""

    def identity(self) -> Identity:
        """That of the call with the version of skrub."""
        made, state = super().identity(), library_state("skrub")
        part = Part("library", "skrub", fingerprint(state), shown=state)
        return replace(made, key=fingerprint("skrub", state, made.key), parts=(*made.parts, part))


@dataclass(frozen=True)
class Fitted:
    """What a walk that fits leaves for others: an estimator, in the plan and fitted, or a value at a node."""

    estimator: Any
    applied: Any


class Conversion:
    """One walk over a plan in a mode such as ``fit_transform`` or ``predict``.

    Parameters
    ----------
    mode : str
        As skrub calls it.
    environment : mapping of str to value or Deferred
        Values of variables, and of the nodes marked as X and y.
    learned : dict
        By id of the node; filled by a walk that fits, and read by the others.
    uses_values : bool
        Whether variables have the values that the plan was written with.
    """

    def __init__(
        self, mode: str, environment: Mapping[str, Any], learned: dict[int, Any], *, uses_values: bool
    ) -> None:
        self.mode, self.environment, self.learned, self.uses_values = mode, environment, learned, uses_values
        self._made: dict[int, tuple[Any, Any]] = {}  # with the node, so that its id is not used again

    def run(self, value: Any) -> Any:
        """Return a value with steps in place of the plans in it; no recursion, so that a plan may be long."""
        stack, answer = [(self._walk(value), False)], None
        while stack:
            try:
                asked = stack[-1][0].send(answer)
            except StopIteration as end:
                stack.pop()
                answer = end.value
                continue
            if asked is _IS_LAST:
                answer = not any(is_estimator for _, is_estimator in stack[:-1])
            else:
                stack.append((self._walk(asked), _kind(asked) == "Apply"))
                answer = None
        return answer

    def _walk(self, value: Any) -> Walk:
        """Yield what a value is made of, to be given it converted; return the value converted."""
        known = skrub_parts()
        if isinstance(value, known.DataOp):
            if id(value) not in self._made:
                self._made[id(value)] = value, (yield from self._value(value))
            return self._made[id(value)][1]
        if type(value) in {list, tuple, set, frozenset}:
            items = []
            for item in value:
                items.append((yield item))  # noqa: PERF401  (a comprehension cannot yield)
            return type(value)(items)
        if type(value) is dict:
            made = {}
            for key, item in value.items():
                made[key] = yield item
            return made
        if type(value) is slice:
            ends = (yield value.start), (yield value.stop), (yield value.step)
            return made_step(None, slice, *ends, label="slice") if deferred_in(ends) else slice(*ends)
        if isinstance(value, known.Choice):
            named = value.name is not None and value.name in self.environment
            return self.environment[value.name] if named else (yield value.chosen_outcome_or_default())
        if isinstance(value, known.ChoiceMatch):
            return (yield value.outcome_mapping[(yield value.choice)])
        return (yield from self._estimator(value)) if hasattr(type(value), "get_params") else value

    def _estimator(self, estimator: Any) -> Walk:
        """Return an estimator with its choices made."""
        given = estimator.get_params(deep=False)
        made = yield given
        changed = {
            name: value for name, value in made.items() if value is not given[name] and _differs(value, given[name])
        }
        if deferred_in(made):
            what = f"a parameter of {type(estimator).__name__} is computed by it"
            refuse(None, what, "give it as a value, or as a skrub choice")
        if not changed:
            return estimator
        from sklearn.base import clone

        return clone(estimator).set_params(**changed)

    # --- nodes --------------------------------------------------------------------------------------------------------

    def _value(self, data_op: Any) -> Walk:
        node = data_op._skrub_impl
        known = skrub_parts()
        for name in (known.X if node.is_X else "", known.y if node.is_y else "", node.name or ""):
            if name and name in self.environment:
                return as_input(node, self.environment[name])
        kind = _kind(data_op)
        convert = getattr(self, f"_of_{kind.lower()}", None)
        if convert is None:
            refuse(node, f"a node of the kind {kind} cannot be a step", "put what it does into a function of the plan")
        made = convert(node)
        return (yield from made) if isinstance(made, Generator) else made

    def _of_var(self, node: Any) -> Walk:
        if (self.uses_values or node.becomes_default) and node.value is not skrub_parts().NULL:
            return as_input(node, (yield node.value))
        raise FlowError(
            f"the variable '{node.name}' of the plan{_at(node)} has no value",
            code="F719",
            hint=f"give it one, skrub.var('{node.name}', value), or, to a learner, learner.fit({{'{node.name}': …}})",
        )

    def _of_value(self, node: Any) -> Walk:
        return as_input(node, (yield node.value))

    def _of_ifelse(self, node: Any) -> Walk:
        condition = yield node.condition
        if isinstance(condition, Deferred):
            refuse(node, "which branch of an if_else is taken is known only when it runs", _BRANCH)
        return (yield node.value_if_true if condition else node.value_if_false)

    def _of_match(self, node: Any) -> Walk:
        query = yield node.query
        if isinstance(query, Deferred):
            refuse(node, "which branch of a match is taken is known only when it runs", _BRANCH)
        return (yield node.targets.get(query, node.default) if node.has_default() else node.targets[query])

    def _of_freezeafterfit(self, node: Any) -> Walk:
        if "fit" in self.mode:
            self.learned[id(node)] = yield node.target
        return self.learned[id(node)]

    def _of_evalmode(self, *_: Any) -> str:
        return self.mode

    def _of_shouldsubsample(self, *_: Any) -> bool:
        return bool(skrub_parts().subsamples(self.mode, {}))

    def _of_subsamplepreviews(self, node: Any) -> Walk:
        if skrub_parts().subsamples(self.mode, {}):
            refuse(node, "skrub is told to subsample always", "let MILE do it: mile iterate --approximate 0.1")
        return (yield node.target)

    def _of_splitx(self, node: Any) -> Walk:
        return (yield node.X)

    def _of_scoring(self, node: Any) -> Walk:
        return (yield node.pred)

    def _of_getattr(self, node: Any) -> Walk:
        source, name = (yield node.source_object), (yield node.attr_name)
        return made_step(node, getattr, source, name, label=str(name))

    def _of_getitem(self, node: Any) -> Walk:
        container, key = (yield node.container), (yield node.key)
        if not deferred_in((container, key)):
            return container[key]
        return made_step(node, operator.getitem, container, key, label=f"[{_short(key)}]")

    def _of_binop(self, node: Any) -> Walk:
        left, right = (yield node.left), (yield node.right)
        if not deferred_in((left, right)):
            return node.op(left, right)
        return made_step(node, node.op, left, right, label=node.op.__name__.strip("_"))

    def _of_unaryop(self, node: Any) -> Walk:
        operand = yield node.operand
        if not deferred_in(operand):
            return node.op(operand)
        return made_step(node, node.op, operand, label=node.op.__name__.strip("_"))

    def _of_astuple(self, node: Any) -> Walk:
        values = yield node.iterable
        return made_step(node, as_tuple, values, node.expected_length, label="unpack")

    def _of_call(self, node: Any) -> Walk:
        if node.globals or node.closure or node.defaults or node.kwdefaults:
            found = ", ".join(node.globals) or "its closure or defaults"
            refuse(node, f"a function reads values of the plan by itself ({found})", "give them to it as arguments")
        function, args, kwargs = (yield node.func), (yield node.args), (yield node.kwargs)
        if isinstance(function, Deferred):
            return made_step(node, _called, function, *args, label="call", kwargs=kwargs)
        return made_step(node, function, *args, label=getattr(function, "__name__", "call"), kwargs=kwargs)

    def _of_callmethod(self, node: Any) -> Walk:
        owner, name = (yield node.obj), (yield node.method_name)
        args, kwargs = (yield node.args), (yield node.kwargs)
        owner = owner if isinstance(owner, Deferred) else _later(node, owner)
        templates, ports = _template((tuple(args), dict(kwargs)), (node_of(owner),))
        call = MethodCall(name, *templates)
        made = Node(call, ports, 2 if call.changes else 1, name, _where(node))
        return Deferred(NodePort(made, int(call.changes)))

    def _of_concat(self, node: Any) -> Walk:
        first, others, axis = (yield node.first), (yield node.others), (yield node.axis)
        names = None if "fit" in self.mode else self.learned[id(node)]
        made, known = made_step(
            node, concatenated, first, others, axis, names, label="concat", n_outputs=2, kind=SkrubCall
        )
        if "fit" in self.mode:
            self.learned[id(node)] = known
        return made

    # --- estimators ---------------------------------------------------------------------------------------------------

    def _of_apply(self, node: Any) -> Walk:
        is_last = yield _IS_LAST
        if "fit" in self.mode:
            return (yield from self._fit(node, is_last=is_last))
        fitted = self.learned[id(node)]
        mode = self.mode if is_last and hasattr(fitted.estimator, self.mode) else "transform"
        X = yield node.X
        y = (yield node.y) if mode == "score" else None
        more = yield _given(node, mode, "transform", "predict")
        return _applied(node, fitted, X, y, more, mode)

    def _fit(self, node: Any, *, is_last: bool) -> Walk:
        estimator = _estimator(node, (yield node.estimator))
        X = yield node.X
        y = None if node.unsupervised else (yield node.y)
        columns = yield {name: getattr(node, name) for name in ("cols", "exclude_cols", "no_wrap", "allow_reject")}
        predicts = hasattr(estimator, "predict") and not hasattr(estimator, "fit_transform")
        mode = "fit" if predicts else "fit_transform"
        more = yield _given(node, mode)
        args = (estimator, X, y, columns, more, node.unsupervised, mode)
        label = f"{_name(estimator)}.{mode}"
        applied, made = made_step(node, fit_estimator, *args, label=label, n_outputs=2, rows="learns", kind=SkrubCall)
        self.learned[id(node)] = fitted = Fitted(estimator, applied)
        if not predicts:
            return made
        if self.mode == "fit" and is_last:
            return made_step(node, getattr, applied, "estimator", label=label)
        return _applied(node, fitted, X, None, (yield _given(node, "predict")), "transform")

    def _of_appliedestimator(self, node: Any) -> Walk:
        yield node.target
        applied = self.learned[id(node.target._skrub_impl)].applied
        return made_step(node, getattr, applied, "estimator", label="estimator")


_BRANCH = "put the choice into a function of the plan, or let a skrub.choose_from make it"


def _kind(value: Any) -> str:
    """Return the kind of a node, such as ``Apply``; empty for what is none."""
    return type(value._skrub_impl).__name__ if isinstance(value, skrub_parts().DataOp) else ""


def _differs(one: Any, other: Any) -> bool:
    """Say whether a choice was made somewhere in a value; containers are always new ones."""
    if type(one) is not type(other) or type(one) not in {list, tuple, set, frozenset, dict}:
        return one is not other
    if len(one) != len(other) or isinstance(one, set | frozenset):
        return bool({id(item) for item in one} != {id(item) for item in other})
    pairs = zip(*((x.values() if isinstance(x, dict) else x) for x in (one, other)), strict=True)
    return any(_differs(*pair) for pair in pairs)


def _applied(node: Any, fitted: Fitted, X: Any, y: Any, more: Any, mode: str) -> Any:
    rows = "" if mode == "score" else "each"
    name = "predict" if mode == "transform" and not hasattr(fitted.estimator, "transform") else mode
    label = f"{_name(fitted.estimator)}.{'transform' if fitted.estimator is None else name}"
    return made_step(node, apply_estimator, fitted.applied, X, y, more, mode, label=label, rows=rows, kind=SkrubCall)


def _given(node: Any, *methods: str) -> dict[str, Any]:
    """Return the arguments that a plan gives to methods of an estimator."""
    return {name: node.kwargs[name] for name in methods if node.kwargs.get(name) is not None}


def _estimator(node: Any, given: Any) -> Any:
    """Return the estimator to be fitted, which must be known before anything runs."""
    call = node_of(given).node.call if isinstance(given, Deferred) else None
    if call is not None and not isinstance(call, ValueCall):
        refuse(node, "an estimator is computed by the plan", "give it as it is, or as a skrub choice")
    return call.value if call is not None else given


def _name(estimator: Any) -> str:
    return "passthrough" if estimator is None or isinstance(estimator, str) else type(estimator).__name__


def as_input(node: Any, value: Any) -> Any:
    """Return a value that is there: as it is where it is plain, or holds steps; as a step of its own otherwise."""
    if isinstance(value, Deferred) or _is_plain(value) or deferred_in(value):
        return value
    return _later(node, value)


def _is_plain(value: Any) -> bool:
    if type(value) in {list, tuple}:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    return isinstance(value, _PLAIN)


def _later(node: Any, value: Any) -> Deferred:
    label = node.name or type(value).__name__
    return Deferred(NodePort(Node(ValueCall(value), (), 1, label, _where(node))))


def made_step(
    node: Any,
    function: Any,
    *args: Any,
    label: str,
    kwargs: Mapping[str, Any] | None = None,
    n_outputs: int = 1,
    rows: str = "",
    kind: type[FunctionCall] = FunctionCall,
) -> Any:
    """Return a step that calls a function at the line of a node of the plan; several outputs come back as a tuple."""
    (filled, named), ports = _template((args, dict(kwargs or {})), ())
    made = Node(kind(function, filled, named, n_outputs), ports, n_outputs, label, _where(node), rows)
    outputs = tuple(Deferred(NodePort(made, i)) for i in range(n_outputs))
    return outputs if n_outputs > 1 else outputs[0]


def _where(node: Any) -> Where:
    """Return the user's line that made a node, as skrub keeps it."""
    stack = getattr(node, "_creation_stack", None)
    return Where(Path(stack[-1][0]).name, int(stack[-1][1] or 0)) if stack else NOWHERE


def _at(node: Any) -> str:
    where = _where(node)
    return f" (line {where})" if where != NOWHERE else ""


def refuse(node: Any, what: str, hint: str) -> NoReturn:
    """Say why a plan cannot be a flow, at the line of a node."""
    raise FlowError(f"a skrub plan{_at(node)} cannot be a flow: {what}", code="F705", hint=hint)


def _short(key: Any) -> str:
    text = "…" if deferred_in(key) else repr(key)
    return text if len(text) <= 24 else text[:23] + "…"


# --- what a flow is given ---------------------------------------------------------------------------------------------


def value_of(plan: Any, label: str = "") -> Deferred:
    """Return the value of a plan, later: that of ``plan.skb.eval()``."""
    made = as_deferred(plan, Conversion("fit_transform", {}, {}, uses_values=True).run(plan))
    if not label:
        return made
    port = node_of(made)
    return Deferred(NodePort(replace(port.node, label=label), port.output))


def values_of(plans: Mapping[str, Any]) -> dict[str, Deferred]:
    """Return the values of plans that may hold each other; inputs are left out."""
    walk = Conversion("fit_transform", {}, {}, uses_values=True)
    asked = {name: plan for name, plan in plans.items() if _kind(plan) not in {"Var", "Value"}}
    return {name: as_deferred(plan, walk.run(plan)) for name, plan in asked.items()}


def as_deferred(plan: Any, value: Any) -> Deferred:
    """Return what a walk gave as one deferred value."""
    if isinstance(value, Deferred):
        return value
    node = plan._skrub_impl
    made: Deferred = made_step(node, same, value, label="value") if deferred_in(value) else _later(node, value)
    return made
