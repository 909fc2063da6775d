"""How many rows of a large table a query uses: as many as its time and memory have room for.

Many models are fitted in a search and one for its answer, so the answer may learn from more rows than the search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mileage.data import Dataset
from mileage.language import ast
from mileage.operators import operators
from mileage.planner.budget import bytes_of, seconds_of
from mileage.planner.logical import Assumption

_FEWEST = 200_000  # tables of so many rows are never sampled
_SHARE = 0.06  # of the time, that one fit of a usual boosted model on one core may take
_MORE = 1.3  # times the rows of a search, for which the answer is fitted on other rows than those
_CELL_BYTES, _COPIES = 8, 8  # a table, its splits and what libraries make of it, side by side
# Knuth's multiplicative hashing: rows in order become evenly spread.
_MULTIPLIER, _MODULUS = 2_654_435_761, 4_294_967_296


@dataclass(frozen=True)
class Room:
    """The rows that a search uses, the larger parts of a table that its answer may be fitted on, and what was assumed."""

    searched: Dataset
    larger: tuple[Dataset, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def with_room(dataset: Dataset, query: ast.Predict, hints: dict[str, object]) -> Room:
    """Return the dataset, or samples of its rows if a query's budget has no room for all of them.

    The rows are chosen by their numbers, always the same ones, so that a sample for a shorter budget is part of that for a
    longer one, and what is searched with part of what the answer is fitted on: each larger part has twice the rows of the one
    before, the last one all that there is memory for. ``HINT (rows = all)`` uses all rows.
    """
    n, width = dataset.n_rows, len(dataset.schema.columns)
    if n <= _FEWEST or str(hints.get("rows")).lower() == "all":
        return Room(dataset)
    seconds, room = seconds_of(query), _by_memory(bytes_of(query), width)
    searched = _sample(dataset, min(room, _by_time(seconds, width, _SHARE)))
    if searched is dataset:
        return Room(dataset)
    larger = _larger(dataset, searched.n_rows, min(room, n))
    text = f"{searched.n_rows:,} of the {n:,} rows are used, evenly spread: the budget has no room for more"
    if larger:
        most = larger[-1]
        text = f"{text} in a search; its answer is fitted on as many as time allows, {'all' if most is dataset else f'{most.n_rows:,}'} at most"
    return Room(searched, larger, (Assumption(text, "HINT (rows = all)"),))


def _larger(dataset: Dataset, n_rows: int, most: float) -> tuple[Dataset, ...]:
    """Return the parts of a table with twice, four times … so many rows, and at last the most."""
    sizes, size = list[float](), 2 * n_rows
    while size * _MORE <= most:
        sizes.append(size)
        size *= 2
    if most >= _MORE * n_rows:
        sizes.append(most)
    return tuple(_sample(dataset, size) for size in sizes)


def _sample(dataset: Dataset, room: float) -> Dataset:
    """Return the dataset, or about as many rows of it as there is room for, evenly spread."""
    import numpy as np

    n = dataset.n_rows
    wanted = max(_FEWEST, int(room)) if room < n else n
    if wanted >= n:
        return dataset
    limit = int(_MODULUS * wanted / n)
    numbered = f"SELECT *, row_number() OVER () AS mile_row FROM ({dataset.relation_sql})"
    sql = f"SELECT * EXCLUDE (mile_row) FROM ({numbered}) WHERE (mile_row * {_MULTIPLIER}) % {_MODULUS} < {limit}"
    numbers = np.arange(1, n + 1, dtype=np.uint64)
    n_rows = int(np.count_nonzero(numbers * np.uint64(_MULTIPLIER) % np.uint64(_MODULUS) < limit))
    return replace(dataset, relation_sql=sql, n_rows=n_rows)


def _by_time(seconds: float | None, width: int, share: float) -> float:
    """Return the rows on which a usual boosted model is fitted within a share of the time."""
    if seconds is None:
        return math.inf
    cost = operators.get("lightgbm").cost
    return math.pow(share * seconds / (cost.per_cell_s * width), 1 / cost.row_power)


def _by_memory(limit: int | None, width: int) -> float:
    """Return the rows that fit a budget of memory, or what this machine has."""
    import psutil

    total = limit if limit is not None else psutil.virtual_memory().total / 2
    return total / (_CELL_BYTES * _COPIES * max(1, width))
