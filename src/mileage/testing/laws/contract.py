"""What every operator keeps, whatever traits it declares."""

from __future__ import annotations

import builtins
import inspect
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.errors import OperatorError
from mileage.operators import Branch, BuildContext, Operator, running
from mileage.operators.versions import versions
from mileage.testing.laws.fitting import build, dense, fitted, output, same, stays_categorical, usual
from mileage.testing.tables import read_only, table

_TASKS = {"binary", "multiclass", "regression"}


def declaration(operator: Operator) -> None:
    """Name, docs, tasks and versions are there; defaults are legal; what is searched is legal."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", operator.name), f"'{operator.name}' is no name for a query"
    assert operator.doc, "the class has no docstring"
    assert operator.tasks, "it serves no task"
    assert set(operator.tasks) <= _TASKS, f"tasks are of {sorted(_TASKS)}"
    assert operator.cost.fit_s(1000, 10) >= 0, "the cost prior is negative"
    assert versions(operator), "it runs on no library"
    for param in operator.params:
        assert param.doc, f"{param.name} has no doc"
        assert param.domain.contains(param.default), f"the default of {param.name} is not legal"
        for value in _corners(param.search):
            assert param.domain.contains(value), f"{param.name} = {value} is searched and not legal"
    assert len({p.name for p in operator.params}) == len(operator.params), "a parameter is declared twice"
    prefixes = {*operator.traits.prefix, *operator.traits.path, *(one.name for one in operator.late)}
    assert prefixes <= {p.name for p in operator.params}, f"no parameters named {prefixes}"


def unknown_parameter(operator: Operator) -> None:
    """An unknown parameter and an illegal value are errors that say what to do."""
    illegal: list[dict[str, Value]] = [{p.name: ("no", "value")} for p in operator.params]
    unknown: dict[str, Value] = {"no_such_parameter": 1}
    for params in (unknown, *illegal):
        try:
            completed = operator.complete(params)
        except OperatorError as error:
            assert error.hint, "the error has no hint"
        else:
            assert completed == params, f"{params} went through"


def pure_build(operator: Operator) -> None:
    """``build`` gives a new estimator each time, equal to the last one, and changes nothing else."""
    for task in operator.tasks:
        context = BuildContext(task, branch=(operator.accepts or (Branch.NUMERIC,))[0], seed=3)
        params = operator.complete({})
        before, randomness = dict(params), _global_randomness()
        one, two = operator.build(params, context), operator.build(params, context)
        assert one is not two, "build returned the same object twice"
        assert described(one) == described(two), "two builds differ"
        assert params == before, "build changed its parameters"
        assert _global_randomness() == randomness, "build drew random numbers"
        other = operator.build(params, BuildContext(task, branch=context.branch, seed=4))
        assert operator.traits.seeded or described(one) == described(other), "it reads the seed: declare seeded"


def clonable(operator: Operator) -> None:
    """scikit-learn can clone the estimator: it is its parameters."""
    from sklearn.base import clone

    for task in operator.tasks:
        made = operator.build(operator.complete({}), BuildContext(task))
        assert described(clone(made)) == described(made), "a clone differs"


def exportable(operator: Operator) -> None:
    """The estimator can be written as a script: public classes or copied ones, functions that need numpy and pandas only."""
    for task in operator.tasks:
        for branch in operator.accepts:
            for part in _parts(operator.build(operator.complete({}), BuildContext(task, branch=branch))):
                if isinstance(part, FunctionType):
                    _check_function(part)
                else:
                    assert _public(type(part)), f"{type(part).__module__}.{type(part).__name__} is not public"


def rows_kept(operator: Operator, branch: Branch, task: str) -> None:
    """Rows in are rows out, as finite numbers; a class absent from the train rows has its column."""
    data, state, out = usual(operator, branch, task)
    result = output(operator, state, data)
    assert len(result) == len(data.y), "rows were lost"
    if stays_categorical(operator, branch):
        return
    assert result.dtype.kind == "f", f"the output is {result.dtype}, not float"
    if not operator.traits.native_missing:
        assert np.isfinite(result).all(), "the output is not finite"
    if out is not None:
        assert dense(out).ndim == 2, "the output is no matrix"
    if operator.is_model and task != "regression":
        _check_classes(operator, data)


def deterministic(operator: Operator, branch: Branch, task: str) -> None:
    """The same input and seed give equal bits."""
    data, one, _ = usual(operator, branch, task)
    two, _ = fitted(operator, data)
    assert same(output(operator, one, data), output(operator, two, data), tolerance=0), "two fits differ"


def pickles(operator: Operator, branch: Branch, task: str) -> None:
    """A fitted estimator survives pickling."""
    data, state, _ = usual(operator, branch, task)
    again = pickle.loads(pickle.dumps(state))
    assert same(output(operator, state, data), output(operator, again, data), tolerance=0), "the unpickled one differs"


def reads_only(operator: Operator, branch: Branch, task: str) -> None:
    """Fitting and applying work on input that must not be written to, and leave it as it was."""
    data = table(operator, branch, task)
    data = replace(data, X=read_only(data.X))
    data.y.setflags(write=False)
    before = dense(data.X).copy()
    state, _ = fitted(operator, data)
    output(operator, state, data)
    assert same(dense(data.X), before, tolerance=0), "the input was changed"


def searched_corners(operator: Operator, branch: Branch, task: str) -> None:
    """The ends of what is searched fit."""
    data = table(operator, branch, task)
    for param in operator.params:
        for value in _corners(param.search):
            if isinstance(value, int) and param.name in operator.traits.prefix and value > _MANY:
                continue
            state, _ = fitted(operator, data, **{param.name: value})
            assert len(output(operator, state, data)) == len(data.y), f"{param.name} = {value}"


OF_OPERATOR = (declaration, unknown_parameter, pure_build, clonable, exportable)
OF_ESTIMATOR = (rows_kept, deterministic, pickles, reads_only, searched_corners)
_MANY = 60


def described(estimator: Any) -> str:
    """Return class and all parameters as text."""
    return f"{type(estimator).__name__} {sorted((k, str(v)) for k, v in estimator.get_params().items())}"


def _global_randomness() -> bytes:
    return pickle.dumps(np.random.get_state())


def _corners(domain: Domain | None) -> tuple[Value, ...]:
    if isinstance(domain, IntRange | FloatRange):
        return (domain.low, domain.high)
    if isinstance(domain, OneOf):
        return domain.values
    return tuple(v for d in domain.domains for v in _corners(d)) if isinstance(domain, AnyOf) else ()


def _check_classes(operator: Operator, data: Any) -> None:
    task = data.context.task
    seen = data.rows(data.y != data.y.max()) if task == "multiclass" else data
    state = running.fit_model(build(operator, seen), seen.X, seen.y)
    made = running.predict(state, data.X, task, data.context.n_classes)
    assert made.labels.shape == (len(data.y),), "there is not one label a row"
    assert set(np.unique(made.labels)) <= set(np.unique(seen.y)), "a class was predicted that was never seen"
    if made.kind == "proba":
        assert made.values.shape == (len(data.y), data.context.n_classes), "there is not one column a class"
        assert np.allclose(made.values.sum(axis=1), 1), "probabilities do not sum to 1"


def _parts(estimator: Any) -> Iterator[Any]:
    yield estimator
    for value in estimator.get_params(deep=False).values():
        nested = (
            [v for step in value for v in step]
            if isinstance(value, list) and value and isinstance(value[0], tuple)
            else [value]
        )
        for part in nested:
            if isinstance(part, FunctionType):
                yield part
            elif hasattr(part, "get_params") and not isinstance(part, type):
                yield from _parts(part)


def _public(kind: type) -> bool:
    path = kind.__module__.split(".")
    if path[0] == "mileage":
        return bool(inspect.getsource(kind))  # it is copied into the script
    for length in range(len(path), 0, -1):
        if any(part.startswith("_") for part in path[:length]):
            continue
        if getattr(import_module(".".join(path[:length])), kind.__name__, None) is kind:
            return True
    return False


def _check_function(function: FunctionType) -> None:
    if not function.__module__.startswith("mileage"):
        path = ".".join(part for part in function.__module__.split(".") if not part.startswith("_"))
        assert getattr(import_module(path), function.__name__, None) is function, f"{function.__name__} is not public"
        return
    assert inspect.getsource(function), f"{function.__name__} has no source"
    needs = inspect.getclosurevars(function)
    strangers = {*needs.globals, *needs.unbound} - {"np", "pd", *dir(builtins)}
    attributes = set(function.__code__.co_names)
    assert not (strangers & attributes & set(function.__globals__)), f"{function.__name__} needs {sorted(strangers)}"
