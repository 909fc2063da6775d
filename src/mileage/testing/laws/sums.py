"""The laws of ``FromSums``, ``Together``, ``Fused``, ``Batched``, ``Masked`` and ``Linear``: what is learned, and what comes out, is told from sums over the rows of other folds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mileage.core.domains import OneOf
from mileage.operators import Branch, Operator, running
from mileage.operators.batched import Batched
from mileage.operators.from_sums import FromSums, Linear
from mileage.operators.layout import Layout
from mileage.operators.sums import Seen, State, without_each
from mileage.operators.together import Fused, Masked, Together, Trained
from mileage.testing.laws.fitting import dense, fitted, output, same, stays_categorical
from mileage.testing.tables import Table, table
from mileage.traits import Exactness, compare

_FP = 1e-9
_N_PARTS = 3
_VALUES = (1e-6, 1e-2, 1.0)  # of a parameter that models are learned together with
_FAR = 1e4  # a mean so far from zero that squares about zero lose half of their digits


def from_sums(operator: Operator, branch: Branch, task: str) -> None:
    """Learned from the merged sums of all other parts, it answers as fitted on their rows."""
    assert isinstance(operator, FromSums)
    data = _shifted(branch, table(operator, branch, task, missing=operator.traits.native_missing))
    if not operator.can_learn(operator.complete({}), data.context):
        return
    part_of = np.arange(len(data.y)) % _N_PARTS
    for i, seen in enumerate(_seen(data, part_of, products=operator.products)):
        learned = operator.learn(operator.complete({}), data.context, seen)
        rest = data.rows(part_of != i)
        wanted = output(operator, fitted(operator, rest)[0], data)
        assert same(output(operator, learned, data), wanted, tolerance=_FP), "what is learned from sums differs"


def together(operator: Operator, branch: Branch, task: str) -> None:
    """Learned with several values of a parameter, each answers as one that is learned alone."""
    assert isinstance(operator, FromSums)
    assert isinstance(operator, Together)
    data = _shifted(branch, table(operator, branch, task, missing=operator.traits.native_missing))
    params, n_classes = operator.complete({}), data.context.n_classes
    for seen in _seen(data, np.arange(len(data.y)) % _N_PARTS, products=operator.products):
        fits = operator.learn_together(params, _VALUES, data.context, seen)
        stacked = fits.answers(dense(data.X), n_classes)
        for i, value in enumerate(_VALUES):
            alone = operator.learn(operator.complete({operator.together: value}), data.context, seen)
            wanted = running.predict(alone, data.X, task, n_classes)
            assert stacked.kind == wanted.kind, "what is answered is of another kind"
            assert same(stacked.at(i).values, wanted.values, tolerance=_FP), f"with {value} it answers otherwise"
            assert (stacked.at(i).labels == wanted.labels).mean() > 0.99 or task == "regression", "labels differ"


def fused(operator: Operator, branch: Branch, task: str) -> None:
    """Fitted together on the same rows, each answers as one that is fitted alone, within the tolerance of the solver."""
    assert isinstance(operator, Fused)
    data = table(operator, branch, task)
    values = tuple(10 * value for value in _VALUES)
    asked = _fusable(operator)
    fits = operator.fit_together(operator.complete(asked), values, data.context, dense(data.X), data.y)
    stacked = fits.answers(dense(data.X), data.context.n_classes)
    for i, value in enumerate(values):
        params = {**asked, operator.together: value}
        wanted = output(operator, fitted(operator, data, **params)[0], data)
        taken = operator.alone(operator.complete(params), data.context, fits, i)
        for got in (stacked.at(i).values, output(operator, taken, data)):
            found, difference = compare(got, wanted)
            assert found <= Exactness.OPT_EQUAL, f"with {value} it answers otherwise by {difference}"


def _fusable(operator: Operator) -> dict[str, Any]:
    """Return parameters with which fits can be made together: the defaults, or one other choice."""
    assert isinstance(operator, Fused)
    choices = [{p.name: v} for p in operator.params if isinstance(p.domain, OneOf) for v in p.domain.values]
    return next(asked for asked in ({}, *choices) if operator.can_fuse(operator.complete(asked)))


def batched(operator: Operator, branch: Branch, task: str) -> None:
    """Fitted on one stream of batches, each is the fit alone."""
    assert isinstance(operator, Batched)
    data = table(operator, branch, task)
    each = [operator.complete(dict.fromkeys(operator.batched, value)) for value in _VALUES]
    fits = operator.fit_batched(each, data.context, data.X, data.y)
    stacked = fits.answers(data.X, data.context.n_classes)
    for i, params in enumerate(each):
        wanted = output(operator, fitted(operator, data, **params)[0], data)
        for got in (stacked.at(i).values, output(operator, fits.each[i], data)):
            found, difference = compare(got, wanted)
            assert found <= Exactness.FP, f"with {_VALUES[i]} it answers otherwise by {difference}"


def linear(operator: Operator, branch: Branch, task: str) -> None:
    """The sums of the output are told from those of the input."""
    assert isinstance(operator, Linear)
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    state, out = fitted(operator, data)
    _check_told(operator, branch, data, state, out)
    if operator.anywhere:
        some, _ = fitted(operator, data.rows(np.arange(len(data.y)) % 2 == 0))
        _check_told(operator, branch, data, some, running.apply(some, data.X))


def _check_told(operator: Linear, branch: Branch, data: Table, state: Any, out: Any) -> None:
    """Check that the sums of what a fitted transformer puts out are told from those of the rows."""
    assert isinstance(operator, Operator)
    [seen] = _seen(data, np.zeros(len(data.y), dtype=np.int64), products=True)
    told = operator.through(state, seen)
    if stays_categorical(operator, branch):
        values = pd.DataFrame(out)
        for levels, name in zip(told.levels, values.columns, strict=True):
            assert set(levels) == set(values[name]), "the levels differ"
        return
    made = dense(out).astype(float)
    n, means, squares = told.known
    off = made - np.nanmean(made, axis=0)
    assert (n == (~np.isnan(made)).sum(axis=0)).all(), "missing values are not told"
    assert same(means, np.nanmean(made, axis=0), tolerance=_FP), "means differ"
    assert same(squares, np.nansum(off**2, axis=0), tolerance=_FP), "squares differ"
    if not np.isnan(made).any():
        assert same(told.products, off.T @ off, tolerance=_FP), "products differ"
        assert same(told.plain().products, off.T @ off, tolerance=_FP), "products differ"


def _seen(data: Table, part_of: np.ndarray, *, products: bool) -> list[Seen]:
    """Return the rows outside of each part, as they are seen through the sums of the others; of one part its own."""
    frame, named = (data.X, True) if hasattr(data.X, "columns") else (pd.DataFrame(data.X).add_prefix("x"), False)
    is_number = all(kind.kind == "f" for kind in frame.dtypes)
    columns = list(frame.columns)
    layout = Layout.about(frame, columns, ()) if is_number else Layout.about(frame, (), columns)
    n_classes = 0 if data.context.task == "regression" else data.context.n_classes
    parts = [
        State.of(layout, frame[part_of == i], data.y[part_of == i], n_classes, products=products, extremes=True)
        for i in range(part_of.max() + 1)
    ]
    seen = [Seen.leaf(state, columns, n_classes) for state in (without_each(parts) if len(parts) > 1 else parts)]
    return [one if named else replace(one, names=()) for one in seen]


def masked(operator: Operator, branch: Branch, task: str) -> None:
    """Fitted together, each on rows and columns of its own, each answers as one that is fitted alone on these."""
    assert isinstance(operator, Masked)
    data = table(operator, branch, task)
    values, X = tuple(10 * value for value in _VALUES), dense(data.X)
    part_of, one = np.arange(len(data.y)) % _N_PARTS, np.eye(X.shape[1])
    scales = [np.linspace(1.0, 1.0 + i, X.shape[1]) for i in range(len(values))]
    trained = [Trained(part_of != i, one / scale, 0.1 * scale) for i, scale in enumerate(scales)]
    fits = operator.fit_masked(operator.complete({}), values, data.context, X, data.y, trained)
    for value, its, got in zip(values, trained, fits, strict=True):
        seen = replace(data, X=X @ its.weights + its.offset)
        params = {operator.together: value}
        alone = running.fit_model(
            operator.build(operator.complete(params), data.context), seen.X[its.rows], data.y[its.rows]
        )
        taken = operator.alone(operator.complete(params), data.context, got, 0)
        found, difference = compare(output(operator, taken, seen), output(operator, alone, seen))
        assert found <= Exactness.OPT_EQUAL, f"with {value} it answers otherwise by {difference}"


def _shifted(branch: Branch, data: Table) -> Table:
    """Put numbers far from zero; what a model does with such is a matter of its own rounding."""
    return replace(data, X=data.X + _FAR) if branch is Branch.NUMERIC else data


LAWS = (from_sums, linear, together, fused, batched, masked)
CAPABILITIES = {
    "from_sums": FromSums,
    "linear": Linear,
    "together": Together,
    "fused": Fused,
    "batched": Batched,
    "masked": Masked,
}
