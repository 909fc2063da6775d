"""How many rows of a large table a query uses: as many as its time and memory have room for."""

from __future__ import annotations

import math
from dataclasses import replace

from mileage.data import Dataset
from mileage.language import ast
from mileage.operators import operators
from mileage.planner.budget import bytes_of, seconds_of
from mileage.planner.logical import Assumption

_FEWEST = 200_000  # tables of so many rows are never sampled
_SHARE = 0.06  # of the time, that one fit of a usual boosted model on one core may take
_CELL_BYTES, _COPIES = 8, 8  # a table, its splits and what libraries make of it, side by side
# Knuth's multiplicative hashing: rows in order become evenly spread.
_MULTIPLIER, _MODULUS = 2_654_435_761, 4_294_967_296


def with_room(dataset: Dataset, query: ast.Predict, hints: dict[str, object]) -> tuple[Dataset, list[Assumption]]:
    """Return the dataset, or a sample of its rows if a query's budget has no room for all of them, with what was assumed.

    The rows are chosen by their numbers, always the same ones, so that a sample for a shorter budget is part of that for a
    longer one. ``HINT (rows = all)`` uses all rows.
    """
    n, width = dataset.n_rows, len(dataset.schema.columns)
    if n <= _FEWEST or str(hints.get("rows")).lower() == "all":
        return dataset, []
    room = min(_by_time(seconds_of(query), width), _by_memory(bytes_of(query), width))
    wanted = max(_FEWEST, int(room)) if room < n else n
    if wanted >= n:
        return dataset, []
    limit = int(_MODULUS * wanted / n)
    numbered = f"SELECT *, row_number() OVER () AS mile_row FROM ({dataset.relation_sql})"
    sql = f"SELECT * EXCLUDE (mile_row) FROM ({numbered}) WHERE (mile_row * {_MULTIPLIER}) % {_MODULUS} < {limit}"
    chosen = replace(
        dataset, relation_sql=sql, n_rows=int(dataset.database.rows(f"SELECT count(*) FROM ({sql})")[0][0])
    )
    text = f"{chosen.n_rows:,} of the {n:,} rows are used, evenly spread: the budget has no room for more"
    return chosen, [Assumption(text, "HINT (rows = all)")]


def _by_time(seconds: float | None, width: int) -> float:
    """Return the rows on which a usual boosted model is fitted within its share of the time."""
    if seconds is None:
        return math.inf
    cost = operators.get("lightgbm").cost
    return math.pow(_SHARE * seconds / (cost.per_cell_s * width), 1 / cost.row_power)


def _by_memory(limit: int | None, width: int) -> float:
    """Return the rows that fit a budget of memory, or what this machine has."""
    import psutil

    total = limit if limit is not None else psutil.virtual_memory().total / 2
    return total / (_CELL_BYTES * _COPIES * max(1, width))
