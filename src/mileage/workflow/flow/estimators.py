"""Scikit-learn's composite estimators as they are: one task for each step, branch and block of columns.

A Pipeline becomes its steps, a ColumnTransformer and a FeatureUnion their branches, a branch whose transformers work column
by column its blocks of columns, each with all of the branch's steps: a task costs about 1 ms, and its results are files.
Results are those of scikit-learn, bit for bit; what is asked in a way that cannot be taken apart (arguments for single steps,
metadata routing) is one task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from reprlib import Repr
from typing import Any, ClassVar

from mileage.core.fingerprint import fingerprint
from mileage.workflow.flow import columns
from mileage.workflow.flow.calls import FunctionCall, MethodCall, Slot, ValueCall
from mileage.workflow.flow.columnwise import Columnwise, blocks, columnwise
from mileage.workflow.flow.deferred import COMPOSITES, Deferred, _call, _node, node_of
from mileage.workflow.flow.node import NodePort
from mileage.workflow.identity import Identity, Part
from mileage.workflow.identity.library import library_state

_FEWEST = 4  # columns of a branch that is worth blocks
_SHOWN = Repr()
_FIT_TRANSFORM, _TRANSFORM = (MethodCall(name, (Slot(1),)) for name in ("fit_transform", "transform"))


class Learned(ABC):
    """A fitted estimator, later: in parts."""

    out: Deferred | None

    @abstractmethod
    def fitted(self) -> Deferred:
        """Return the fitted estimator as one value."""

    @abstractmethod
    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """Return what a method gives for other rows."""

    def scored(self, scorer: Any, X: Any, y: Any) -> Deferred | None:
        """Return a score for other rows; None where the fitted estimator is asked for it as a whole."""
        del scorer, X, y
        return None


@dataclass
class Single(Learned):
    """An estimator that is one task."""

    owner: Deferred
    out: Deferred | None

    def fitted(self) -> Deferred:
        """The estimator itself."""
        return self.owner

    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """A method of it."""
        if method == "transform" and not args:
            return _method(_TRANSFORM, self.owner, X)
        made: Deferred = getattr(self.owner, method)(X, *args)
        return made


@dataclass
class Chain(Learned):
    """A Pipeline: its fitted steps by name, the last one included."""

    pipeline: Any
    steps: Mapping[str, Learned]
    out: Deferred | None

    def fitted(self) -> Deferred:
        """The Pipeline with its fitted steps."""
        fitted = {name: step.fitted() for name, step in self.steps.items()}
        return _ours(columns.whole_pipeline, self.pipeline, fitted, label="Pipeline", rows="learns")

    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """The steps' transforms, and the method of the last."""
        *before, last = self.steps.values()
        for step in before:
            X = step.apply("transform", X)
        if _is_passed(self.pipeline.steps[-1][1]):
            return last.apply("transform", X)
        return last.apply(method, X, *args)

    def before_last(self, X: Deferred) -> Deferred:
        """What the last step is given."""
        for step in list(self.steps.values())[:-1]:
            X = step.apply("transform", X)
        return X


@dataclass(frozen=True)
class Branch:
    """A branch of a ColumnTransformer: its columns, whole or in blocks, and what was learned of each.

    ``names`` are the columns where they are given by name; ``kind`` is what their common matrix is like.
    """

    name: str
    parts: tuple[tuple[Any, Learned], ...]
    names: list[str] | None = None


@dataclass
class Columns(Learned):
    """A ColumnTransformer."""

    transformer: Any
    branches: Sequence[Branch]
    layout: Deferred
    resolved: Deferred | None
    out: Deferred | None

    def fitted(self) -> Deferred:
        """The ColumnTransformer with its fitted branches."""
        return _ours(columns.whole, self.layout, _fitted(self.branches), label="ColumnTransformer", rows="learns")

    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """The branches' transforms, put together; other methods are those of the whole."""
        if method != "transform":
            made: Deferred = getattr(self.fitted(), method)(X, *args)
            return made
        outs = {}
        for branch in self.branches:
            kind = _kind(X, branch.names) if branch.names else None
            taken = [(_take(X, branch, part, kind, self.resolved, fitted=True), one) for part, one in branch.parts]
            outs[branch.name] = [one.apply("transform", block) for block, one in taken]
        return _joined(self.layout, X, outs)


@dataclass
class Union(Learned):
    """A FeatureUnion."""

    union: Any
    parts: Mapping[str, Learned]
    out: Deferred | None

    def fitted(self) -> Deferred:
        """The FeatureUnion with its fitted transformers."""
        fitted = {name: part.fitted() for name, part in self.parts.items()}
        return _ours(columns.whole_union, self.union, fitted, label="FeatureUnion", rows="learns")

    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """The transforms side by side; other methods are those of the whole."""
        if method != "transform":
            made: Deferred = getattr(self.fitted(), method)(X, *args)
            return made
        return _united(self.union, {name: part.apply("transform", X) for name, part in self.parts.items()})


def learn(estimator: Any, X: Deferred, y: Any = None, *, out: bool = True) -> Learned:
    """Return an estimator fitted on rows, later, and if ``out`` what it makes of them."""
    learner = _LEARNERS.get(_name(estimator))
    made: Learned = learner(estimator, X, y, out=out) if learner else _learn_single(ValueCall(estimator), X, y, out=out)
    return made


def _learn_single(call: ValueCall, X: Deferred, y: Any, *, out: bool) -> Single:
    estimator = call.value
    owner = Deferred(NodePort(_node(call, (), label=type(estimator).__name__)))
    given = (X,) if y is None else (X, y)
    if out and y is None and hasattr(estimator, "fit_transform"):
        made = _method(_FIT_TRANSFORM, owner, X, n_outputs=2)
        return Single(Deferred(NodePort(node_of(made).node)), made)
    if out and hasattr(estimator, "fit_transform"):
        made = owner.fit_transform(*given)
        return Single(owner, made)
    owner.fit(*given)
    return Single(owner, owner.transform(X) if out else None)


def _method(call: MethodCall, owner: Deferred, X: Deferred, *, n_outputs: int = 1) -> Deferred:
    """Return the last output of a method of an estimator that takes nothing but rows."""
    label = f"{node_of(owner).node.label.partition('.')[0]}.{call.method}"
    node = _node(call, (node_of(owner), node_of(X)), n_outputs=n_outputs, label=label)
    return Deferred(NodePort(node, n_outputs - 1))


def _learn_chain(pipeline: Any, X: Deferred, y: Any, *, out: bool) -> Chain:
    steps: dict[str, Learned] = {}
    *before, (last, final) = pipeline.steps
    for name, step in before:
        if not _is_passed(step):
            steps[name] = made = learn(step, X, y)
            assert made.out is not None
            X = made.out
    if _is_passed(final):
        steps[last] = _learn_single(ValueCall(_identity(pipeline)), X, None, out=True)
    else:
        steps[last] = learn(final, X, y, out=out)
    return Chain(pipeline, steps, steps[last].out)


def _learn_columns(transformer: Any, X: Deferred, y: Any, *, out: bool) -> Columns:
    given = [(name, trans, cols) for name, trans, cols in transformer.transformers if not _is_dropped(trans)]
    rest = transformer.remainder
    if not _is_dropped(rest):
        given.append(("remainder", rest, None))
    known = all(_is_named(cols) for _, _, cols in given)
    resolved = None if known else _ours(columns.resolved, transformer, X, label="columns", rows="learns")
    branches, outs = [], {}
    for name, trans, cols in given:
        estimator = _identity(transformer) if _is_passed(trans) else trans
        branch = _learn_branch(name, estimator, cols, X, y, resolved)
        branches.append(branch)
        outs[name] = [one.out for _, one in branch.parts]
    named = _fitted(branches) if columns.gives_frames(transformer) else {}
    layout = _ours(
        columns.learned_layout, transformer, X, None, outs, named, label="ColumnTransformer layout", rows="learns"
    )
    return Columns(transformer, branches, layout, resolved, _joined(layout, X, outs) if out else None)


def _learn_branch(name: str, estimator: Any, cols: Any, X: Deferred, y: Any, resolved: Deferred | None) -> Branch:
    declared = columnwise(estimator)
    if declared is not None:
        y = None  # it looks at no target, so that another one changes nothing
    if not _is_named(cols):
        from mileage.workflow.flow.column_blocks import MaybeEmpty

        branch = Branch(name, ((None, None),))  # type: ignore[arg-type]
        taken = _take(X, branch, None, None, resolved, fitted=False)
        return Branch(name, ((None, learn(MaybeEmpty(estimator), taken, y)),))
    if not len(cols):
        return Branch(name, ())
    if declared is None or isinstance(cols, str) or len(cols) < _FEWEST:
        taken = _take(X, Branch(name, ()), cols, None, None, fitted=False)
        return Branch(name, ((cols, learn(estimator, taken, y)),))
    return _learn_blocks(name, estimator, list(cols), X, declared)


def _learn_blocks(name: str, estimator: Any, names: list[str], X: Deferred, declared: Columnwise) -> Branch:
    whole = names if declared.by_matrix else None
    kind = _kind(X, whole) if whole else None
    taken = [
        (part, _take(X, Branch(name, ()), part, kind, None, fitted=False)) for part in blocks(names, declared.width)
    ]
    call = ValueCall(estimator)  # one for all blocks, whose identity is then looked at once
    return Branch(name, tuple((part, _learn_single(call, block, None, out=True)) for part, block in taken), whole)


def _learn_union(union: Any, X: Deferred, y: Any, *, out: bool) -> Learned:
    if columns.gives_frames(union):
        return _learn_single(ValueCall(union), X, y, out=out)
    given = [(name, trans) for name, trans in union.transformer_list if not _is_dropped(trans)]
    parts = {name: learn(_identity(union) if _is_passed(t) else t, X, y) for name, t in given}
    outs = {name: part.out for name, part in parts.items()}
    return Union(union, parts, _united(union, outs) if out else None)


_LEARNERS: Mapping[str, Any] = {
    "Pipeline": _learn_chain,
    "ColumnTransformer": _learn_columns,
    "FeatureUnion": _learn_union,
}


# --- the estimator that a flow is given -------------------------------------------------------------------------------


class Composite(Deferred):
    """A composite estimator in a flow: what ``step`` returns for it.

    ``fit``, ``transform``, ``predict`` and so on are taken apart; any other attribute is that of the fitted estimator.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> import mileage, tempfile
    >>> X, y = mileage.step(lambda: ([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]), outputs=2)()
    >>> model = mileage.step(make_pipeline(StandardScaler(), LogisticRegression())).fit(X, y)
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     mileage.compute(model.score(X, y), session=session, flow="line")
    1.0
    """

    __slots__ = ("_estimator", "_label", "_learned", "_plain")
    _estimator: Any
    _learned: Learned | None
    _plain: NodePort

    def __init__(self, estimator: Any, label: str) -> None:
        object.__setattr__(self, "_estimator", estimator)
        object.__setattr__(self, "_learned", None)
        object.__setattr__(self, "_plain", NodePort(_node(ValueCall(estimator), (), label=label)))

    @property
    def _port(self) -> NodePort:
        learned = object.__getattribute__(self, "_learned")
        if learned is None:
            plain: NodePort = object.__getattribute__(self, "_plain")
            return plain
        return object.__getattribute__(learned.fitted(), "_port")  # type: ignore[no-any-return]

    @_port.setter
    def _port(self, port: NodePort) -> None:
        object.__setattr__(self, "_learned", None)
        object.__setattr__(self, "_plain", port)

    def fit(self, X: Any, y: Any = None, **more: Any) -> Composite:
        """Fit it, later; it then stands for the fitted estimator."""
        if more or not _is_apart():
            Deferred.__getattr__(self, "fit")(X, *(() if y is None else (y,)), **more)
        else:
            object.__setattr__(self, "_learned", learn(self._estimator, _later(X), y, out=False))
        return self

    def fit_transform(self, X: Any, y: Any = None, **more: Any) -> Deferred:
        """Fit it, and return what it makes of the rows it was fitted on."""
        if more or not _is_apart():
            whole: Deferred = Deferred.__getattr__(self, "fit_transform")(X, *(() if y is None else (y,)), **more)
            return whole
        learned = learn(self._estimator, _later(X), y)
        object.__setattr__(self, "_learned", learned)
        assert learned.out is not None
        return learned.out

    def __getattr__(self, name: str) -> Any:
        learned = object.__getattribute__(self, "_learned")
        if name in _METHODS and learned is not None:
            return partial(_applied, learned, name)
        return Deferred.__getattr__(self, name)


_METHODS = frozenset({"transform", "predict", "predict_proba", "predict_log_proba", "decision_function", "score"})


def _applied(learned: Learned, method: str, X: Any, *args: Any, **more: Any) -> Deferred:
    if more.keys() - {"y"}:
        made: Deferred = getattr(learned.fitted(), method)(X, *args, **more)
        return made
    return learned.apply(method, _later(X), *args, *more.values())


def composite(estimator: Any, label: str) -> Deferred | None:
    """Return a composite estimator as it comes in parts; None for any other."""
    return Composite(estimator, label or type(estimator).__name__) if _name(estimator) in _LEARNERS else None


COMPOSITES.append(composite)


def _name(estimator: Any) -> str:
    """Return the class of a composite of scikit-learn itself: a subclass may do anything."""
    kind = type(estimator)
    if not kind.__module__.startswith("sklearn."):
        return ""
    return "" if kind.__name__ == "Pipeline" and not _is_simple(estimator) else kind.__name__


def _is_simple(pipeline: Any) -> bool:
    return bool(pipeline.steps) and getattr(pipeline, "transform_input", None) is None


def _is_apart() -> bool:
    from sklearn import get_config

    return not get_config().get("enable_metadata_routing", False)


def _later(value: Any) -> Deferred:
    return value if isinstance(value, Deferred) else Deferred(NodePort(_node(ValueCall(value), (), label="rows")))


def _is_passed(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _is_dropped(step: Any) -> bool:
    return isinstance(step, str) and step == "drop"


def _is_named(cols: Any) -> bool:
    """Say whether columns are given by name, so that they are known before there are rows."""
    return isinstance(cols, str) or (isinstance(cols, list | tuple) and all(isinstance(one, str) for one in cols))


def _identity(owner: Any) -> Any:
    """Return what scikit-learn puts in the place of "passthrough"."""
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.utils._set_output import _get_output_config

    made = FunctionTransformer(accept_sparse=True, check_inverse=False, feature_names_out="one-to-one")
    dense = _get_output_config("transform", owner)["dense"]
    return made.set_output(transform=dense)


# --- steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TakeCall(FunctionCall):
    """Some columns of rows: there are many of them, and only the names of the columns make them differ."""

    pure: bool = True

    @property
    def is_view(self) -> bool:
        """Whether the output is part of the input, and not worth keeping beside it."""
        return self.function is not columns.kind_of

    def identity(self) -> Identity:
        """Which function of ours, and its arguments."""
        given = [one.position if isinstance(one, Slot) else one for one in self.args]
        libraries = [library_state(name) for name in ("mileage", "sklearn", "pandas")]
        key = fingerprint("columns", self.function.__name__, libraries, given)
        return Identity(key, (Part("argument", "columns", fingerprint(given), shown=_SHOWN.repr(given[1])),))


def _ours(function: Any, *args: Any, label: str, rows: str = "each", kind: Any = None) -> Deferred:
    kind = kind or partial(FunctionCall, pure=True)
    made: Deferred = _call(kind, function, args, {}, label=label, rows=rows)
    return made


def _kind(X: Deferred, names: list[str]) -> Deferred:
    return _ours(columns.kind_of, X, names, label="columns", rows="scores", kind=TakeCall)


def _take(
    X: Deferred, branch: Branch, part: Any, kind: Deferred | None, resolved: Deferred | None, *, fitted: bool
) -> Deferred:
    label = f"columns {branch.name}"
    if resolved is not None and part is None:
        take = columns.take_branch_of_new if fitted else columns.take_branch
        return _ours(take, X, branch.name, resolved, label=label, kind=TakeCall)
    if kind is not None:
        return _ours(columns.take_block, X, part, kind, label=label, kind=TakeCall)
    return _ours(columns.take_columns, X, part, label=label, kind=TakeCall)


@dataclass(frozen=True)
class JoinCall(FunctionCall):
    """The outputs of branches put together."""

    pure: bool = True
    is_view: ClassVar[bool] = (
        True  # of parts that are kept: to write them once more would take longer than to join them
    )


def _joined(layout: Deferred, X: Deferred, outs: Mapping[str, Any]) -> Deferred:
    return _ours(columns.joined, layout, X, outs, label="ColumnTransformer", kind=JoinCall)


def _united(union: Any, outs: Mapping[str, Any]) -> Deferred:
    return _ours(columns.union, dict(union.transformer_weights or {}), dict(outs), label="FeatureUnion")


def _fitted(branches: Sequence[Branch]) -> dict[str, list[Deferred]]:
    return {branch.name: [one.fitted() for _, one in branch.parts] for branch in branches}
