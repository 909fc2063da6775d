"""Values that come later: what ``step``, ``read`` and ``sql`` return, to be used as the values they stand for."""

from __future__ import annotations

import functools
import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from mileage.errors import MileError
from mileage.workflow.flow.calls import Call, File, FunctionCall, MethodCall, Slot, SqlCall, ValueCall
from mileage.workflow.flow.node import Node, NodePort, Where

_HERE = str(Path(__file__).resolve().parents[2])
_WORD = re.compile(r"\w+")
COMPOSITES: list[Callable[[Any, str], Any]] = []  # who takes apart what a flow is given: ``estimators``, ``plans``


class FlowError(MileError, TypeError):
    """A value that comes later was used as if it were there."""

    code = "F702"


class Deferred:
    """Stands for the value of a step that has not run.

    Columns, attributes, methods and operators give further deferred values. Assigning a column, or fitting an estimator,
    makes this object stand for the changed value, as it would with the value itself.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = step(pd.DataFrame)({"a": [1, 2]})
    >>> frame["b"] = frame["a"] * 2
    >>> frame
    <deferred ['b'] = at ...>
    """

    __slots__ = ("_pending", "_port")
    _port: NodePort
    _pending: tuple[NodePort, str] | None

    def __init__(self, port: NodePort, pending: tuple[NodePort, str] | None = None) -> None:
        object.__setattr__(self, "_port", port)
        object.__setattr__(self, "_pending", pending)

    def __getattr__(self, name: str) -> Deferred:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # protocols that Python and libraries probe for
        if name.startswith("_repr_") or name in {"_ipython_display_", "_ipython_canary_method_should_not_exist_"}:
            raise AttributeError(name)
        port = object.__getattribute__(self, "_port")
        made = _node(FunctionCall(getattr, (Slot(0), name)), (port,), label=name)
        return _Attribute(NodePort(made), self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _rebind(self, _set_attribute, name, value, label=f".{name} =")

    def __getitem__(self, key: Any) -> Deferred:
        made: Deferred = _call(FunctionCall, operator.getitem, (self, key), {}, label=f"[{_short(key)}]")
        return made

    def __setitem__(self, key: Any, value: Any) -> None:
        _rebind(self, _set_item, key, value, label=f"[{_short(key)}] =")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the value, later."""
        return _call(FunctionCall, _called, (self, *args), kwargs, label=f"{self._port.node.label}()")

    def __repr__(self) -> str:
        node = self._port.node
        return f"<deferred {node.label} at {node.where}>"

    def __bool__(self) -> bool:  # noqa: PLE0304  (it raises)
        _too_early(self, "tested for truth")

    def __len__(self) -> int:  # noqa: PLE0303  (it raises)
        _too_early(self, "counted")

    def __iter__(self) -> Iterator[Any]:
        _too_early(self, "walked through", "say how many values the step returns: step(outputs=2)")

    def __int__(self) -> int:
        _too_early(self, "made a number")

    def __float__(self) -> float:
        _too_early(self, "made a number")

    def __contains__(self, item: Any) -> bool:
        _too_early(self, "searched")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        _too_early(self, "made an array", "defer the function it is given to: step(function)(…)")

    def __format__(self, spec: str) -> str:
        return repr(self)

    __hash__ = object.__hash__


def _operators() -> None:
    """Give :class:`Deferred` the arithmetic, comparison and logic of values."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"):
        plain, function = name.rstrip("_"), getattr(operator, name)
        setattr(Deferred, f"__{plain}__", _binary(function, name, swapped=False))
        setattr(Deferred, f"__r{plain}__", _binary(function, name, swapped=True))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Deferred, f"__{name}__", _binary(getattr(operator, name), name, swapped=False))
    for name in ("neg", "pos", "invert", "abs"):
        setattr(Deferred, f"__{name}__", _unary(getattr(operator, name), name))


def _binary(function: Callable[..., Any], name: str, *, swapped: bool) -> Callable[[Deferred, Any], Deferred]:
    def apply(self: Deferred, other: Any) -> Deferred:
        args = (other, self) if swapped else (self, other)
        made: Deferred = _call(FunctionCall, function, args, {}, label=name.rstrip("_"))
        return made

    return apply


def _unary(function: Callable[..., Any], name: str) -> Callable[[Deferred], Deferred]:
    def apply(self: Deferred) -> Deferred:
        made: Deferred = _call(FunctionCall, function, (self,), {}, label=name)
        return made

    return apply


class _Attribute(Deferred):
    """An attribute of a deferred value; calling it is one step, a method of that value."""

    __slots__ = ("_name", "_owner")
    _owner: Deferred
    _name: str

    def __init__(self, port: NodePort, owner: Deferred, name: str) -> None:
        super().__init__(port)
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_name", name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        owner, name = self._owner, self._name
        if kwargs.get("inplace") is True:
            _too_early(owner, f"changed in place by {name}", f"assign the result instead: x = x.{name}(…)")
        made_by = owner._port.node.label.partition(".")[0]
        label = f"{made_by}.{name}" if made_by[:1].isupper() else name  # an estimator's name says more than its method
        templates, ports = _template((args, kwargs), (owner._port,))
        call = MethodCall(name, *templates)
        if not call.changes:
            return Deferred(NodePort(_node(call, ports, label=label)))
        node = _node(call, ports, n_outputs=2, label=label)
        object.__setattr__(owner, "_port", NodePort(node, 0))
        return owner if name in {"fit", "partial_fit"} else Deferred(NodePort(node, 1))


_operators()


def step(
    function: Any = None,
    *,
    outputs: int = 1,
    label: str | None = None,
    pure: bool = False,
    env: tuple[str, ...] | str = (),
    rows: str = "",
) -> Any:
    """Defer a function, a class, an estimator or a plan of skrub.

    Parameters
    ----------
    function : callable, estimator, skrub DataOp or SkrubLearner
        A callable is returned as one whose calls come later; if no argument of a call is deferred it still comes later.
        An estimator, or a learner of skrub, is returned as one whose ``fit``, ``predict`` and so on come later; a plan of
        skrub as its deferred value, a step for each of its nodes.
    outputs : int, default 1
        How many values it returns; more than one come back as a tuple.
    label : str, optional
        What the step is called in reports; the function's name by default.
    pure : bool, default False
        Whether its result may be used again though it reads files, the clock or random numbers that are no input of it:
        say so if they do not matter.
    env : tuple of str, default ()
        Variables of the environment that its result depends on, besides those that its code names.
    rows : {'each', 'mixes', 'learns'}, optional
        What it does to rows, for runs on a sample: row i of what it returns depends on row i of what it is given
        ("each"), on other rows too ("mixes", the default), or it returns a model of the rows ("learns").

    Examples
    --------
    >>> @step
    ... def double(x):
    ...     return 2 * x
    >>> double(3)
    <deferred double at ...>
    >>> double.__wrapped__(3)
    6
    """
    if function is None:
        return functools.partial(step, outputs=outputs, label=label, pure=pure, env=env, rows=rows)
    if rows not in {"", "each", "mixes", "learns"}:
        raise FlowError(f"rows='{rows}' says nothing about rows", hint='say rows="each", "mixes" or "learns"')
    for composite in COMPOSITES:
        if (apart := composite(function, label or "")) is not None:
            return apart
    if hasattr(function, "get_params") and not isinstance(function, type):
        made = _node(ValueCall(function), (), label=label or type(function).__name__)
        return Deferred(NodePort(made))
    if not callable(function):
        message = f"step defers functions and estimators, not a {type(function).__name__}"
        raise FlowError(message)
    name = label or str(getattr(function, "__name__", type(function).__name__))
    declared: dict[str, Any] = {"pure": pure, "env": (env,) if isinstance(env, str) else tuple(env)}

    @functools.wraps(function)
    def later(*args: Any, **kwargs: Any) -> Any:
        kind = functools.partial(FunctionCall, **declared)
        return _call(kind, function, args, kwargs, n_outputs=outputs, label=name, rows=rows)

    return later


def read(path: str | Path, **options: Any) -> Deferred:
    """Return the frame of a CSV, Parquet or JSON file, read when it is needed, and again when its content changes.

    Raises
    ------
    FlowError
        If the file does not exist, or is of another kind.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "birds.csv"
    >>> size = path.write_text("mass")
    >>> read(path).dropna()
    <deferred dropna at ...>
    """
    readers = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet", ".json": "read_json"}
    place = Path(path)
    if not place.exists():
        raise FlowError(f"no file '{path}'", code="F703")
    suffix = place.suffixes[0] if place.suffixes[1:] and place.suffix in {".gz", ".zip", ".bz2"} else place.suffix
    if suffix not in readers:
        raise FlowError(
            f"'{path}' is no CSV, Parquet or JSON file", code="F703", hint="defer your own reader: step(reader)(path)"
        )
    if suffix == ".tsv":
        options.setdefault("sep", "\t")
    call = FunctionCall(_read_file, (readers[suffix], File(str(path)), options))
    return Deferred(NodePort(_node(call, (), label=f"read {place.name}")))


def sql(text: str, **frames: Any) -> Deferred:
    """Return the frame of a SELECT, in DuckDB's SQL, over deferred values and files.

    A name in the query stands for a deferred value: one given by name, else a variable of the caller's.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = step(pd.DataFrame)({"a": [1, 2]})
    >>> sql("SELECT sum(a) AS total FROM rows")
    <deferred sql at ...>
    """
    frame = sys._getframe(1)
    words = set(_WORD.findall(text))
    scope = {**frame.f_globals, **frame.f_locals}
    named = {name: value for name, value in scope.items() if name in words and isinstance(value, Deferred)}
    given = {**named, **frames}
    names = tuple(sorted(given))
    ports = []
    for name in names:
        value = given[name]
        if isinstance(value, Deferred):
            ports.append(value._port)
        else:
            ports.append(NodePort(_node(ValueCall(value), (), label=name)))
    return Deferred(NodePort(_node(SqlCall(text, names), tuple(ports), label="sql")))


def node_of(value: Deferred) -> NodePort:
    """Return what a deferred value stands for."""
    port: NodePort = object.__getattribute__(value, "_port")
    return port


def deferred_in(value: Any) -> list[Deferred]:
    """Return the deferred values inside tuples, lists and dicts."""
    if isinstance(value, Deferred):
        return [value]
    if type(value) in {tuple, list}:
        return [found for item in value for found in deferred_in(item)]
    if type(value) is dict:
        return [found for item in value.values() for found in deferred_in(item)]
    return []


# --- making nodes -----------------------------------------------------------------------------------------------------


def _node(call: Call, ports: tuple[NodePort, ...], *, n_outputs: int = 1, label: str = "", rows: str = "") -> Node:
    return Node(call, ports, n_outputs, label, _where(), rows)


def _where() -> Where:
    """Return the first line outside of MILE and of Python's own library that led here."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_code.co_filename.startswith(_HERE) or frame.f_globals.get("__name__") == "functools"
    ):
        frame = frame.f_back
    return Where(Path(frame.f_code.co_filename).name, frame.f_lineno)


def _call(
    kind: Callable[..., FunctionCall],
    function: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    n_outputs: int = 1,
    label: str = "",
    rows: str = "",
) -> Any:
    templates, ports = _template((args, dict(kwargs)), ())
    filled_args, filled_kwargs = templates
    call = kind(function, filled_args, filled_kwargs, n_outputs)
    node = _node(call, ports, n_outputs=n_outputs, label=label, rows=rows)
    if n_outputs == 1:
        return Deferred(NodePort(node))
    return tuple(Deferred(NodePort(node, i)) for i in range(n_outputs))


def _template(arguments: Any, ports: tuple[NodePort, ...]) -> tuple[Any, tuple[NodePort, ...]]:
    """Return arguments with slots in place of deferred values, and the ports those stand for, each once."""
    places: dict[tuple[Node, int], int] = {tuple(port): i for i, port in enumerate(ports)}  # type: ignore[misc]
    listed = list(ports)

    def place(value: Any) -> Any:
        if isinstance(value, Deferred):
            port = node_of(value)
            if tuple(port) not in places:
                places[tuple(port)] = len(listed)  # type: ignore[index]
                listed.append(port)
            return Slot(places[tuple(port)])  # type: ignore[index]
        if type(value) in {tuple, list}:
            return type(value)(place(item) for item in value)
        if type(value) is dict:
            return {key: place(item) for key, item in value.items()}
        return value

    return place(arguments), tuple(listed)


def _rebind(target: Deferred, function: Callable[..., Any], key: Any, value: Any, *, label: str) -> None:
    made = _call(FunctionCall, function, (target, key, value), {}, label=label)
    object.__setattr__(target, "_port", node_of(made))


def _short(key: Any) -> str:
    if isinstance(key, Deferred):
        return "…"
    text = repr(key)
    return text if len(text) <= 24 else text[:23] + "…"


def _too_early(
    value: Deferred, what: str, hint: str = "do that inside a step, or ask for it: mileage.compute(x)"
) -> NoReturn:
    node = node_of(value).node
    raise FlowError(f"{node.label} (line {node.where.line}) has no value yet and cannot be {what}", hint=hint)


# --- what steps of our own do -----------------------------------------------------------------------------------------


def _called(function: Any, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _set_item(target: Any, key: Any, value: Any) -> Any:
    changed = _shallow(target)
    changed[key] = value
    return changed


def _set_attribute(target: Any, name: str, value: Any) -> Any:
    changed = _shallow(target)
    setattr(changed, name, value)
    return changed


def _shallow(target: Any) -> Any:
    import copy

    return target.copy() if hasattr(target, "flags") and hasattr(target, "setflags") else copy.copy(target)


def _read_file(reader: str, path: str, options: dict[str, Any]) -> Any:
    import pandas as pd

    return getattr(pd, reader)(path, **options)
