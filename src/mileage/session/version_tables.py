"""Tables among what a flow shows: their first rows, as a reader wants to see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mileage.results.report import Section

if TYPE_CHECKING:
    import pandas as pd

_ROWS, _COLUMNS, _WIDE = 10, 10, 30


def first_rows(values: Mapping[str, Any]) -> tuple[Section, ...]:
    """Return a section for each pandas frame or series among shown values.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.Series(["a", "b", "a"], name="kind").value_counts()
    >>> [section] = first_rows({"auc": 0.9, "counts": counts})
    >>> section.title, section.header, section.rows
    ('counts: 2 rows', ('kind', 'count'), (('a', '2'), ('b', '1')))
    """
    return tuple(_section(name, frame) for name, value in values.items() if (frame := _frame(value)) is not None)


def _frame(value: Any) -> pd.DataFrame | None:
    kind = type(value)
    if kind.__module__.partition(".")[0] != "pandas" or kind.__name__ not in {"DataFrame", "Series"}:
        return None
    frame: pd.DataFrame = value if kind.__name__ == "DataFrame" else value.to_frame()
    return frame if len(frame) and len(frame.columns) else None


def _section(name: str, frame: pd.DataFrame) -> Section:
    shown = frame.iloc[:_ROWS, :_COLUMNS]
    plain = type(frame.index).__name__ == "RangeIndex"
    rows = "1 row" if len(frame) == 1 else f"{len(frame):,} rows"
    title = f"{name}: {rows}" if len(shown) == len(frame) else f"{name}: the first {len(shown)} of {rows}"
    if len(shown.columns) < len(frame.columns):
        title += f", {len(shown.columns)} of {len(frame.columns)} columns"
    labels = () if plain else tuple("" if one is None else str(one) for one in frame.index.names)
    keys = [() if plain else key if isinstance(key, tuple) else (key,) for key in shown.index]
    cells = zip(keys, shown.itertuples(index=False, name=None), strict=True)
    return Section(
        title,
        (*labels, *map(str, shown.columns)),
        tuple(tuple(_cell(value) for value in (*key, *row)) for key, row in cells),
    )


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
