"""Tables of SQLite files as Arrow tables, through Python's own sqlite3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.data.frames import unique_names
from mileage.data.sqltext import quote

if TYPE_CHECKING:
    import sqlite3

    import pyarrow as pa


def read_table(source: sqlite3.Connection, name: str) -> pa.Table:
    """Return a table; SQLite types values, not columns, so a column of mixed types comes as text."""
    import pyarrow as pa

    cursor = source.execute(f"SELECT * FROM {quote(name)}")
    names = unique_names([part[0] for part in cursor.description])
    rows = cursor.fetchall()
    return pa.table([_array([row[i] for row in rows]) for i in range(len(names))], names=names)


def _array(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.array(values, pa.string())
    if kinds <= {int, float}:
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
    if len(kinds) == 1:
        return pa.array(values)
    return pa.array([None if value is None else str(value) for value in values], pa.string())
