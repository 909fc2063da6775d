"""The columns that sums are made of: what is common to all parts of the rows, and what each part has met.

Next: :mod:`mileage.operators.sums`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

_LOOKED_AT = 1000  # rows, to tell about where the numbers of a column lie


@dataclass(frozen=True)
class Column:
    """A source column in the columns common to all parts: a number less ``shift`` and the mark of missing ones, or levels."""

    name: str
    shift: float = 0.0
    misses: bool = False
    levels: tuple[Any, ...] | None = None

    @property
    def width(self) -> int:
        """How many common columns it has."""
        return 1 + self.misses if self.levels is None else len(self.levels)

    def joined(self, other: Column) -> Column:
        """Return the column of the rows of both."""
        if self.levels is None or other.levels is None:
            return replace(self, misses=self.misses or other.misses)
        return replace(self, levels=_sorted_levels((*self.levels, *other.levels)))

    def places(self, within: Column) -> list[int]:
        """Return the places of its common columns among those of a column that has all of them."""
        if self.levels is None or within.levels is None:
            return list(range(self.width))
        place = {level_key(level): i for i, level in enumerate(within.levels)}
        return [place[level_key(level)] for level in self.levels]


@dataclass(frozen=True)
class Layout:
    """The common columns, source by source."""

    columns: tuple[Column, ...]

    @classmethod
    def about(cls, X: Any, numeric: Sequence[str], categorical: Sequence[str] = ()) -> Layout:
        """Return the columns of a table before any row is summed up: about the means are taken off numbers, so that products keep their digits.

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"a": [1.0, 3.0], "b": [1.0, None], "c": ["u", "v"]})
        >>> Layout.about(X, ["a", "b"], ["c"]).columns[1]
        Column(name='b', shift=1.0, misses=False, levels=None)
        """
        some = X.iloc[:: max(1, len(X) // _LOOKED_AT)]
        made = []
        for name in numeric:
            values = some[name].to_numpy(dtype=np.float64)
            known = values[np.isfinite(values)]
            made.append(Column(name, float(known.mean()) if len(known) else 0.0))
        return cls((*made, *(Column(name, levels=()) for name in categorical)))

    @cached_property
    def first(self) -> dict[str, int]:
        """The place of the first common column of each source."""
        starts = np.cumsum([0, *(column.width for column in self.columns)]).tolist()
        return {column.name: start for column, start in zip(self.columns, starts, strict=False)}

    @property
    def width(self) -> int:
        """How many common columns there are."""
        return sum(column.width for column in self.columns)

    def joined(self, other: Layout) -> Layout:
        """Return the layout of the rows of both."""
        pairs = zip(self.columns, other.columns, strict=True)
        return Layout(tuple(one.joined(two) for one, two in pairs))

    def places(self, within: Layout) -> np.ndarray:
        """Return the places of its common columns in a layout that has all of them."""
        pairs = zip(self.columns, within.columns, strict=True)
        found = [within.first[two.name] + i for one, two in pairs for i in one.places(two)]
        return np.array(found, dtype=np.int64)

    def read(self, X: Any) -> tuple[Layout, np.ndarray]:
        """Return the layout with what some rows have of missing values and levels, and their common columns, shape (n_rows, width).

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"b": [1.0, None], "c": ["v", "u"]})
        >>> layout, made = Layout.about(X, ["b"], ["c"]).read(X)
        >>> layout.columns[1].levels, made.tolist()
        (('u', 'v'), [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
        """
        numbers = [column for column in self.columns if column.levels is None]
        values = X[[column.name for column in numbers]].to_numpy(dtype=np.float64) if numbers else np.empty((len(X), 0))
        missing = np.isnan(values)
        misses = [bool(has) for has in np.any(missing, axis=0, keepdims=True)[0]]
        coded = {column.name: _coded(X[column.name]) for column in self.columns if column.levels is not None}
        made = [replace(column, misses=has) for column, has in zip(numbers, misses, strict=True)]
        found = {column.name: column for column in made}
        layout = Layout(
            tuple(
                replace(column, levels=coded[column.name][0]) if column.levels is not None else found[column.name]
                for column in self.columns
            )
        )
        return layout, layout._matrix((values, missing), {name: codes for name, (_, codes) in coded.items()})

    def _matrix(self, numbers: tuple[np.ndarray, np.ndarray], codes: dict[str, np.ndarray]) -> np.ndarray:
        values, missing = numbers
        made = np.zeros((len(values), self.width), order="F")
        columns = [column for column in self.columns if column.levels is None]
        at = np.array([self.first[column.name] for column in columns], dtype=np.int64)
        made[:, at] = values - [column.shift for column in columns]
        for i in np.flatnonzero([column.misses for column in columns]):
            made[missing[:, i], at[i]] = 0.0
            made[:, at[i] + 1] = missing[:, i]
        rows = np.arange(len(values))
        for name, levels in codes.items():
            made[rows, self.first[name] + levels] = 1.0
        return made


def level_key(level: Any) -> Any:
    """Return a level as it is compared: what is missing is one level, whatever marks it."""
    return None if level != level else level  # noqa: PLR0124  (NaN alone differs from itself)


def _sorted_levels(levels: Sequence[Any]) -> tuple[Any, ...]:
    """Return each level once, in an order that does not hang on the rows; what is missing is the last."""
    found = {level_key(level): level for level in levels}
    missing = [found.pop(None)] if None in found else []
    return (*sorted(found.values(), key=str), *missing)


def _coded(values: Any) -> tuple[tuple[Any, ...], np.ndarray]:
    """Return the levels of a column, and the place of each value among them."""
    import pandas as pd

    codes, found = pd.factorize(values)
    known, gaps = np.asarray(found, dtype=object).tolist(), codes < 0
    levels = _sorted_levels([*known, *([values.iloc[int(gaps.argmax())]] if gaps.any() else [])])
    place = {level: i for i, level in enumerate(levels)}
    places = np.array([*(place[level] for level in known), len(levels) - 1], dtype=np.int64)  # -1 is what is missing
    return levels, places[codes]
