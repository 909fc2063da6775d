"""The columns that sums are made of: what is common to all parts of the rows, and what each part has met.

Next: :mod:`mileage.operators.sums`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def read(self, X: Any) -> Cells:
        """Return the cells of some rows, and the layout with what these have of missing values and levels.

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"b": [1.0, None], "c": ["v", "u"]})
        >>> cells = Layout.about(X, ["b"], ["c"]).read(X)
        >>> cells.layout.columns[1].levels, cells.matrix(0, 2).tolist()
        (('u', 'v'), [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
        """
        names = [column.name for column in self.columns if column.levels is None]
        own = X if names == list(X.columns) else X[names]
        values = own.to_numpy(dtype=np.float64) if names else np.empty((len(X), 0))
        misses = dict(zip(names, np.isnan(values.sum(axis=0)).tolist(), strict=True))  # a gap, or ends that cancel
        codes = {column.name: coded(X[column.name]) for column in self.columns if column.levels is not None}
        columns = tuple(
            replace(column, misses=misses[column.name])
            if column.levels is None
            else replace(column, levels=codes[column.name][0])
            for column in self.columns
        )
        return Cells(Layout(columns), values, {name: places for name, (_, places) in codes.items()})


@dataclass(frozen=True)
class Cells:
    """Some rows of a table: numbers, the places of categories among their levels, and the layout that they have.

    Attributes
    ----------
    layout : Layout
    values : array of shape (n_rows, n_numbers)
    codes : dict of arrays of shape (n_rows,)
    """

    layout: Layout
    values: np.ndarray
    codes: dict[str, np.ndarray]

    def matrix(self, start: int, stop: int) -> np.ndarray:
        """Return the common columns of some of the rows, shape (n_rows, width)."""
        values = self.values[start:stop]
        made = np.zeros((len(values), self.layout.width), order="F")
        numbers = [column for column in self.layout.columns if column.levels is None]
        at = np.array([self.layout.first[column.name] for column in numbers], dtype=np.int64)
        made[:, at] = values - [column.shift for column in numbers]
        for i in np.flatnonzero([column.misses for column in numbers]):
            missing = np.isnan(values[:, i])
            made[missing, at[i]] = 0.0
            made[:, at[i] + 1] = missing
        rows = np.arange(len(values))
        for name, codes in self.codes.items():
            made[rows, self.layout.first[name] + codes[start:stop]] = 1.0
        return made

    def take(self, rows: np.ndarray | None) -> Cells:
        """Return some of the rows; all of them if ``rows`` is None."""
        if rows is None:
            return self
        return Cells(self.layout, self.values[rows], {name: codes[rows] for name, codes in self.codes.items()})

    def through(self, weights: np.ndarray, offset: np.ndarray, marks: np.ndarray) -> np.ndarray:
        """Return a linear map of the common columns, shape (n_rows, n_columns), without a matrix of all levels.

        ``marks`` are the common columns that mark missing values which are still missing; -1 where there are none.

        Raises
        ------
        ValueError
            If the output has missing values, or such as are not finite.

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"a": [1.0, 3.0], "c": ["v", "u"]})
        >>> cells = Layout.about(X, ["a"], ["c"]).read(X)
        >>> weights = np.array([[2.0, 0.0], [0.0, 5.0], [0.0, 7.0]])
        >>> cells.through(weights, np.array([4.0, 0.0]), np.array([-1, -1])).tolist()
        [[2.0, 7.0], [6.0, 5.0]]
        """
        made = self.numbers().matrix(0, len(self.values))
        missing = made[:, marks[marks >= 0]].any()
        n_numbers = made.shape[1]
        out = np.asarray(made @ weights[:n_numbers] + offset)
        for name, codes in self.codes.items():
            first = self.layout.first[name]
            own = weights[first : first + codes.max(initial=0) + 1]
            read = np.flatnonzero(own.any(axis=0))
            out[:, read] += own[:, read][codes]
        if missing or not np.isfinite(out).all():
            message = "Input X contains NaN or infinity."
            raise ValueError(message)
        return out

    def numbers(self) -> Cells:
        """Return the columns that hold numbers, which come first."""
        return Cells(Layout(tuple(c for c in self.layout.columns if c.levels is None)), self.values, {})

    def level_counts(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Return how often each class has each level, shape (n_classes, n_levels)."""
        made = []
        for name, codes in self.codes.items():
            width = next(column.width for column in self.layout.columns if column.name == name)
            made.append(np.bincount(y * width + codes, minlength=n_classes * width).reshape(n_classes, width))
        return np.hstack(made).astype(np.float64)

    def extremes(self) -> np.ndarray:
        """Return the smallest number of each common column and of its negative, missing ones apart, shape (2, width)."""
        made = np.full((2, self.layout.width), np.nan)
        numbers = [column for column in self.layout.columns if column.levels is None]
        if len(self.values):
            at = np.array([self.layout.first[column.name] for column in numbers], dtype=np.int64)
            shift = np.array([column.shift for column in numbers])
            made[0, at] = np.fmin.reduce(self.values, axis=0) - shift
            made[1, at] = shift - np.fmax.reduce(self.values, axis=0)
        return made


def level_key(level: Any) -> Any:
    """Return a level as it is compared: what is missing is one level, whatever marks it."""
    return None if level != level else level  # noqa: PLR0124  (NaN alone differs from itself)


def _sorted_levels(levels: Sequence[Any]) -> tuple[Any, ...]:
    """Return each level once, in an order that does not hang on the rows; what is missing is the last."""
    found = {level_key(level): level for level in levels}
    missing = [found.pop(None)] if None in found else []
    return (*sorted(found.values(), key=str), *missing)


def level_table(levels: Mapping[str, Sequence[Any]]) -> Any:
    """Return a table of the levels of each column, once each; those with fewer begin again with the first.

    Examples
    --------
    >>> level_table({"a": ["u", "v"], "b": ["w"]})["b"].tolist()
    ['w', 'w']
    """
    import pandas as pd

    n_rows, columns = max(map(len, levels.values())), {}
    for name, own in levels.items():
        columns[name] = np.array([*own, *[own[0]] * (n_rows - len(own))], dtype=object)
    return pd.DataFrame(columns)


def coded(values: Any) -> tuple[tuple[Any, ...], np.ndarray]:
    """Return the levels of a column, and the place of each value among them.

    Examples
    --------
    >>> import pandas as pd
    >>> levels, places = coded(pd.Series(["v", "u", "v"]))
    >>> levels, places.tolist()
    (('u', 'v'), [1, 0, 1])
    """
    import pandas as pd

    codes, found = pd.factorize(values)
    known, gaps = np.asarray(found, dtype=object).tolist(), codes < 0
    levels = _sorted_levels([*known, *([values.iloc[int(gaps.argmax())]] if gaps.any() else [])])
    place = {level: i for i, level in enumerate(levels)}
    places = np.array([*(place[level] for level in known), len(levels) - 1], dtype=np.int64)  # -1 is what is missing
    return levels, places[codes]
