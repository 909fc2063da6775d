"""Tasks on sums over rows: which columns, sums of a fold, of all folds but one, as a step sees them, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, Any

from mileage.engine.frames import columns_of, take_rows
from mileage.operators import BuildContext, Operator, operators
from mileage.operators.batched import Batched
from mileage.operators.from_sums import FromSums, Linear
from mileage.operators.together import Fused, Masked, Together
from mileage.workflow.task import Task

if TYPE_CHECKING:
    from mileage.data import RowSet, Splits
    from mileage.operators.layout import Layout
    from mileage.operators.sums import Seen, State


def lay_out(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return about where the numbers of the columns lie: the same for all parts of the rows."""
    from mileage.operators.layout import Layout

    params: dict[str, Any] = dict(task.params)
    return {"out": Layout.about(inputs[0], params["numeric"], params["categorical"])}


def read_cells(inputs: list[Any]) -> dict[str, Any]:
    """Return the cells of all rows, in the columns of a layout."""
    X, layout = inputs
    return {"out": layout.read(columns_of(X, tuple(column.name for column in layout.columns)))}


def lift(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return the state of a part of the rows, less those that smaller splits have in the same part."""
    from mileage.operators.sums import State

    params: dict[str, Any] = dict(task.params)
    X, y, layout, splits, *smaller = inputs
    part = _part(params, splits)
    for less in smaller:
        part = part.difference(_part(params, less))
    rows, names = part.indices(), tuple(column.name for column in layout.columns)
    asked = {"products": params["products"], "extremes": params["extremes"]}
    return {"out": State.of(layout, take_rows(columns_of(X, names), rows), y[rows], params["n_classes"], **asked)}


def _part(params: dict[str, Any], splits: Splits) -> RowSet:
    """Return the train rows of a split, or those of a fold that others train on: of a sample not all that it keeps apart."""
    split, other = params["split"], params["other"]
    if other is None:
        own: RowSet = splits.pairs[split].train
    else:
        own = splits.pairs[split].test.intersection(splits.pairs[other].train)
    return own


def sum_up(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return the sums of the rows that a step is given."""
    import numpy as np

    from mileage.operators.sums import Seen

    params: dict[str, Any] = dict(task.params)
    X, y = inputs
    return {"out": Seen.of(np.asarray(X, dtype=np.float64), y, params["n_classes"], products=params["products"])}


def merge(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return the state of all parts, or of all but one for each; with ``places``, of those at each place."""
    if task.outputs == ("out",):
        return {"out": reduce(lambda one, other: one.merged(other), inputs)}
    from mileage.operators.sums import State, without_each

    places: Any = dict(task.params).get("places")
    if places is not None:
        at = [
            [part for part, place in zip(inputs, places, strict=True) if place == i] for i in range(len(task.outputs))
        ]
        return dict(zip(task.outputs, map(State.pooled, at), strict=True))
    return dict(zip(task.outputs, without_each(inputs), strict=True))


def image(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return rows as a step sees them: sums of its input columns, or of cells the columns themselves."""
    from mileage.operators.layout import Cells

    params: dict[str, Any] = dict(task.params)
    state, *states = inputs
    if isinstance(state, Cells):
        seen = _seen(params["route"], iter(states), _without_rows(state.layout), 1)
        return {"out": state.through(seen.weights, seen.offset, seen.marks)}
    return {"out": _seen(params["route"], iter(states), state, params["n_classes"]).plain()}


def _seen(route: Any, states: Iterator[Any], state: State, n_classes: int) -> Seen:
    """Follow a route from source columns: ``take``, ``step`` or ``join``."""
    from mileage.operators.sums import Seen

    kind, *rest = route
    if kind == "take":
        return Seen.leaf(state, rest[0], n_classes)
    if kind == "join":
        return Seen.joined([_seen(part, states, state, n_classes) for part in rest[0]])
    name, before = rest
    seen, operator = _seen(before, states, state, n_classes), operators.get(name)
    assert isinstance(operator, Linear)
    return operator.through(next(states), seen)


def learn(task: Task, inputs: list[Any], operator: Operator) -> dict[str, Any]:
    """Return a fitted step, told from the sums of its train rows."""
    assert isinstance(operator, FromSums)
    context: dict[str, Any] = dict(task.context)
    return {"state": operator.learn(dict(task.params), BuildContext(**context), inputs[0])}


def learn_together(task: Task, inputs: list[Any], operator: Operator) -> dict[str, Any]:
    """Return what is learned with each of several values of parameters: from sums, in rounds, or on one stream of batches."""
    params: dict[str, Any] = dict(task.params)
    context: dict[str, Any] = dict(task.context)
    if isinstance(operator, Batched):
        of_each = zip(*(params[name] for name in operator.batched), strict=True)
        each = [{**params, **dict(zip(operator.batched, values, strict=True))} for values in of_each]
        return {"state": operator.fit_batched(each, BuildContext(**context), *inputs)}
    assert isinstance(operator, Together | Fused)
    values = params[operator.together]
    learn = operator.learn_together if isinstance(operator, Together) else operator.fit_together
    return {"state": learn({**params, operator.together: values[0]}, values, BuildContext(**context), *inputs)}


def fit_masked(task: Task, inputs: list[Any], operator: Operator) -> dict[str, Any]:
    """Return models that are fitted together, each on the train rows of its own splits, from common columns of all rows."""
    from mileage.operators.together import Trained

    assert isinstance(operator, Masked)
    params: dict[str, Any] = dict(task.params)
    context: dict[str, Any] = dict(task.context)
    X, y, layout, *parts = inputs
    n_states, places, route = (params.pop(name) for name in ("n_states", "places", "route"))
    cells = layout.read(X[[column.name for column in layout.columns]])
    matrix, empty = cells.matrix(0, len(X)), _without_rows(cells.layout)
    trained = []
    for i, place in enumerate(places):
        splits, *states = parts[i * (1 + n_states) : (i + 1) * (1 + n_states)]
        seen = _seen(route, iter(states), empty, context["n_classes"])
        if (seen.marks >= 0).any():
            message = "Input X contains NaN."
            raise ValueError(message)
        trained.append(Trained(splits.pairs[place].train.mask(), seen.weights, seen.offset))
    values = params[operator.together]
    fits = operator.fit_masked(
        {**params, operator.together: values[0]}, values, BuildContext(**context), matrix, y, trained
    )
    return {"state": fits}


def _without_rows(layout: Layout) -> State:
    """Return the state of no row, which a way can be followed with where nothing is summed up."""
    import numpy as np

    from mileage.operators.sums import State, Sums

    return State(layout, Sums(np.zeros(1), np.zeros((1, layout.width))))


def score(task: Task, inputs: list[Any]) -> dict[str, Any]:
    """Return scores of linear models on each split from the sums of its rows; rows are read where sums would be rounding."""
    import numpy as np

    from mileage.operators.metrics import score_squares

    params: dict[str, Any] = dict(task.params)
    *parts, X, y, splits = inputs
    width, made = 2 + params["n_states"], []
    for i, split in enumerate(splits.pairs):
        fits, seen, *states = parts[i * width : (i + 1) * width]
        errors, sure = fits.squared_errors(seen)
        if not sure:
            rows = split.test.indices()
            matrix = _rows(params["route"], iter(states), X.take(rows))
            errors = ((fits.answers(matrix, 0).values - y[rows]) ** 2).mean(axis=1)
        n_rows = round(seen.sums.n)
        made.append(score_squares(task.operator, errors, seen.target_squares / max(n_rows, 1), n_rows))
    return {"out": np.column_stack(made)}


def _rows(route: Any, states: Iterator[Any], X: Any) -> Any:
    """Follow a route from source columns with rows, as :func:`_seen` does with their sums."""
    from mileage.operators import running

    kind, *rest = route
    if kind == "take":
        return X[list(rest[0])]
    if kind == "join":
        return running.join([_rows(part, states, X) for part in rest[0]], dense=True)
    before = _rows(rest[1], states, X)
    return running.apply(next(states), before)
