"""Between which numbers the values of a column lie: by its type, by what a Parquet file says of itself, or by a look.

Columns whose values are never read can so be shown to hold nothing that would matter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from mileage.data.dataset import Dataset, canonical_sql
from mileage.data.schema import Column, DType, Kind

Bounds = tuple[float, float, bool]
UNKNOWN: Bounds = (-math.inf, math.inf, True)
_PARQUET = re.compile(r"SELECT \* FROM read_parquet\((.*)\)", re.DOTALL)
_WIDE = 200
_WHOLE = frozenset({DType.INT, DType.BOOL})
_LARGEST = {"TINYINT": 2.0**8, "SMALLINT": 2.0**16, "INTEGER": 2.0**32, "BIGINT": 2.0**64, "HUGEINT": 2.0**128,
            "BOOLEAN": 1.0, "FLOAT": 3.5e38, "DECIMAL": 1e38}  # fmt: skip


def bounds_of(dataset: Dataset, names: Sequence[str]) -> Mapping[str, Bounds]:
    """Return the lowest and the highest value of columns that are read as numbers, and whether some may be missing.

    Parameters
    ----------
    dataset : Dataset
    names : sequence of str

    Returns
    -------
    mapping of name to (low, high, may_miss)
        They hold for the columns in canonical types, where infinite numbers are missing. Of Parquet files no values are
        read; of a table that lies in memory they are. Infinite ends mean that nothing is known.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from mileage.data.source import Database
    >>> table = Database().bind_frame(pa.table({"a": [1.5, None, 7.0], "b": [3, 4, 5]}))
    >>> dict(bounds_of(table, ["a", "b"]))
    {'a': (1.5, 7.0, True), 'b': (3.0, 5.0, False)}
    """
    columns = [dataset.schema.get(name) for name in names]
    listed = _PARQUET.fullmatch(dataset.relation_sql)
    if listed is not None:
        return _said(dataset, columns, listed[1])
    if dataset.database.is_quick(dataset.relation_sql):
        return _seen(dataset, columns)
    return {column.name: _by_type(column) for column in columns}


def _by_type(column: Column) -> Bounds:
    end = _LARGEST.get(column.sql_type.split("(")[0].removeprefix("U"), math.inf)
    return (-end, end, True)


def _said(dataset: Dataset, columns: Sequence[Column], listed: str) -> dict[str, Bounds]:
    """Return what the row groups of Parquet files say: of fractions, NaN is not counted among the missing."""
    ends = ", ".join(f"TRY_CAST(stats_{end}_value AS DOUBLE) AS {end}" for end in ("min", "max"))
    rows = dataset.database.rows(
        "SELECT path_in_schema, min(min), max(max), count(*) = count(*) FILTER (isfinite(min) AND isfinite(max)), "
        "count(*) = count(*) FILTER (stats_null_count = 0) "
        f"FROM (SELECT path_in_schema, stats_null_count, {ends} FROM parquet_metadata({listed})) GROUP BY path_in_schema"
    )
    said = {name: (low, high, known, whole) for name, low, high, known, whole in rows}
    made = {}
    for column in columns:
        low, high, may_miss = _by_type(column)
        if column.name in said:
            least, most, known, none_missing = said[column.name]
            if known and column.sql_type == "DOUBLE":
                low, high = least, most
            may_miss = not (none_missing and column.dtype in _WHOLE)
        made[column.name] = (low, high, may_miss)
    return made


def _seen(dataset: Dataset, columns: Sequence[Column]) -> dict[str, Bounds]:
    if len(columns) > _WIDE:  # DuckDB takes quadratic time for a statement with many expressions
        return _seen(dataset, columns[:_WIDE]) | _seen(dataset, columns[_WIDE:])
    if not columns:
        return {}
    asked = [canonical_sql(column, Kind.NUMERIC) for column in columns]
    listed = ", ".join(f"min({v}), max({v}), count({v})" for v in asked)
    [found] = dataset.database.rows(f"SELECT {listed} FROM ({dataset.over([column.name for column in columns])})")
    made: dict[str, Bounds] = {}
    for i, column in enumerate(columns):
        low, high, n = found[3 * i : 3 * i + 3]
        made[column.name] = (0.0, 0.0, True) if low is None else (float(low), float(high), n < dataset.n_rows)
    return made
