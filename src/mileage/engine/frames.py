"""Parts of frames, without a copy where there is none to make."""

from __future__ import annotations

from typing import Any


def columns_of(frame: Any, columns: tuple[str, ...]) -> Any:
    """Return some columns of a frame, of which neighbors are a view and no copy of all rows; counts are of one column."""
    if hasattr(frame, "tocsr"):
        return frame
    if len(columns) == frame.shape[1] and tuple(frame.columns) == columns:
        return frame
    first = frame.columns.get_loc(columns[0]) if columns else 0
    if isinstance(first, int) and tuple(frame.columns[first : first + len(columns)]) == columns:
        return frame.iloc[:, first : first + len(columns)]
    return frame[list(columns)]


def take_rows(frame: Any, rows: Any) -> Any:
    """Return some rows of a frame, of which neighbors are a view, or of counts."""
    if hasattr(frame, "tocsr"):
        return frame[rows]
    n = len(rows)
    if n and rows[-1] - rows[0] == n - 1 and bool((rows[1:] > rows[:-1]).all()):
        return frame.iloc[int(rows[0]) : int(rows[0]) + n]
    return frame.take(rows)
