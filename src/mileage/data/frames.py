"""Frames of any library as Arrow tables, without a copy where their memory allows it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mileage.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def as_table(name: str, frame: Any) -> tuple[pa.Table, tuple[str, ...]]:
    """Return a pandas, polars or Arrow frame as an Arrow table with unique column names, and notes on what changed.

    Raises
    ------
    DataError
        If it is no table.
    """
    import pyarrow as pa

    notes: list[str] = []
    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        columns, arrays = list(frame.column_names), list(frame.columns)
    elif type(frame).__module__.split(".")[0] == "pandas" and hasattr(frame, "columns"):
        named = [str(name) for name in frame.index.names if name is not None]
        notes += [f"the index {', '.join(named)} is no column: reset_index() makes it one"] if named else []
        columns = [str(c) for c in frame.columns]
        arrays = [_pandas_array(frame.iloc[:, i], columns[i], notes) for i in range(len(columns))]
    else:
        table = _other(name, frame)
        columns, arrays = list(table.column_names), list(table.columns)
    if not columns:
        raise DataError(f":{name} has no columns", code="D410", hint="give a frame with columns and rows")
    unique = unique_names(columns)
    notes += renaming_notes(columns, unique)
    arrays = [_readable(array) for array in arrays]
    return pa.table(arrays, names=unique), tuple(notes)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table as DuckDB's ``df()`` does, whose columns without any value are objects, with fewer copies."""
    import pyarrow as pa

    empty = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_string(column.type) and column.null_count == len(column)
    ]
    made: pd.DataFrame = table.to_pandas(self_destruct=True)
    for name in empty:
        made[name] = made[name].astype(object).where(made[name].notna(), None)
    return made


def frame_bytes(frame: pd.DataFrame | pd.Series) -> int:
    """Return the bytes of a frame, by blocks: one of many columns has few."""
    return int(sum(getattr(block, "nbytes", 0) for block in frame._mgr.arrays))


def _readable(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Widen half floats, which DuckDB does not read."""
    import pyarrow as pa

    return array.cast(pa.float32()) if pa.types.is_float16(array.type) else array


def _other(name: str, frame: Any) -> pa.Table:
    import narwhals as nw
    import pyarrow as pa

    if hasattr(frame, "collect") and hasattr(frame, "lazy"):
        raise DataError(f":{name} is a {type(frame).__name__}", code="D405", hint=f"collect it first: {name}.collect()")
    try:
        made: pa.Table = nw.from_native(frame, eager_only=True).to_arrow()
    except TypeError:
        message = f":{name} is a {type(frame).__name__}, not a table"
        raise DataError(message, code="D405", hint="give a pandas, polars or Arrow table") from None
    except pa.ArrowInvalid as error:
        message = f":{name} has a column of a type that Arrow does not know: {error}"
        raise DataError(message, code="D405", hint="cast the column, or leave it out") from None
    return made


def _pandas_array(series: pd.Series, name: str, notes: list[str]) -> pa.Array:
    """Convert one column; values of mixed types become text, since a column has one type."""
    import pandas as pd
    import pyarrow as pa

    dtype = getattr(series.dtype, "categories", series).dtype
    if isinstance(dtype, pd.PeriodDtype):  # Arrow would give their numbers since 1970
        series = series.astype(dtype).dt.to_timestamp()
    elif isinstance(dtype, pd.IntervalDtype):
        series = series.astype("str")
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        notes.append(f"column {name} has values of mixed types: read as text")
        return pa.array([None if _missing(v) else str(v) for v in series], pa.string())


def _missing(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in {"NAType", "NaTType"}
    )


def unique_names(names: Iterable[str]) -> list[str]:
    """Return names that differ even where case does not count, as in SQL; blank ones are named by their place.

    Examples
    --------
    >>> unique_names(["a", "A", "", "a"])
    ['a', 'A_1', 'column2', 'a_2']
    """
    seen: set[str] = set()
    made = []
    for i, name in enumerate(names):
        base = name if name.strip() else f"column{i}"
        unique, n = base, 0
        while unique.casefold() in seen:
            n += 1
            unique = f"{base}_{n}"
        seen.add(unique.casefold())
        made.append(unique)
    return made


def renaming_notes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return one note for each column whose name was blank or taken."""
    return [
        f"column {i} has no name: it is called {new}"
        if not old.strip()
        else f"there are two columns {old}: column {i} is called {new}"
        for i, (old, new) in enumerate(zip(before, after, strict=False), 1)
        if old != new
    ]
