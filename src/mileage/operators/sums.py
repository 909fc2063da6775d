"""Sums over rows of a fold, and what can be told from those of other folds: rows, means and products of columns.

The columns are the same in every fold, whatever is fitted there: a number with zeros in the place of missing values and, if it
has such, a 0/1 column that marks them; of a category a 0/1 column for each level. Whatever is fitted on the train rows of a fold and
maps each column by itself (fills, shifts, scales, encodes) is a linear map of these columns, so that the sums of its output are told from theirs.

Sums of folds are merged and never taken out of a whole: merging has no cancellation, and next to a scan of rows it costs nothing.

References
----------
Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.
Izbicki 2013, Algebraic classifiers: a generic approach to fast cross-validation, ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Column:
    """A source column in the columns common to all folds: a number less ``shift`` and the mark of missing ones, or levels."""

    name: str
    shift: float = 0.0
    misses: bool = False
    levels: tuple[Any, ...] | None = None

    @property
    def width(self) -> int:
        """How many common columns it has."""
        return 1 + self.misses if self.levels is None else len(self.levels)


@dataclass(frozen=True)
class Layout:
    """The columns common to all folds, source by source."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, X: Any, numeric: Sequence[str], categorical: Sequence[str] = ()) -> Layout:
        """Return the layout of columns of a table; means are taken off numbers, so that products keep their digits.

        Examples
        --------
        >>> import pandas as pd
        >>> X = pd.DataFrame({"a": [1.0, 3.0], "b": [1.0, None], "c": ["u", "v"]})
        >>> made = Layout.of(X, ["a", "b"], ["c"])
        >>> made.columns[1], made.columns[2].levels, made.width
        (Column(name='b', shift=1.0, misses=True, levels=None), ('u', 'v'), 5)
        """
        made = []
        for name in numeric:
            values = X[name].to_numpy(dtype=np.float64)
            known = values[~np.isnan(values)]
            made.append(Column(name, float(known.mean()) if len(known) else 0.0, len(known) < len(values)))
        made += [Column(name, levels=_levels(X[name])) for name in categorical]
        return cls(tuple(made))

    @cached_property
    def first(self) -> dict[str, int]:
        """The place of the first common column of each source."""
        starts = np.cumsum([0, *(column.width for column in self.columns)]).tolist()
        return {column.name: start for column, start in zip(self.columns, starts, strict=False)}

    @property
    def width(self) -> int:
        """How many common columns there are."""
        return sum(column.width for column in self.columns)

    def matrix(self, X: Any) -> np.ndarray:
        """Return the common columns of some rows, shape (n_rows, width)."""
        made = np.zeros((len(X), self.width), order="F")
        whole = [column for column in self.columns if column.levels is None and not column.misses]
        if whole:  # all at once: a look at a column by itself takes longer than what there is to do
            values = X[[column.name for column in whole]].to_numpy(dtype=np.float64)
            made[:, [self.first[column.name] for column in whole]] = values - [column.shift for column in whole]
        for column in (column for column in self.columns if column.levels is not None or column.misses):
            at = self.first[column.name]
            if column.levels is not None:
                made[np.arange(len(X)), at + _codes(X[column.name], column.levels)] = 1.0
                continue
            values = X[column.name].to_numpy(dtype=np.float64)
            missing = np.isnan(values)
            made[:, at] = np.where(missing, 0.0, values - column.shift)
            made[:, at + 1] = missing
        return made


def _levels(values: Any) -> tuple[Any, ...]:
    """Return the values of a column as they come first; what is missing is one of them."""
    objects = np.asarray(values, dtype=object)
    missing = np.asarray(values.isna())
    known = dict.fromkeys(objects[~missing].tolist())
    return (*known, *objects[missing][:1].tolist())


def _codes(values: Any, levels: tuple[Any, ...]) -> np.ndarray:
    """Return the place of each value among the levels; a missing one is the last."""
    import pandas as pd

    codes = pd.Index(list(levels), dtype=object).get_indexer(np.asarray(values, dtype=object))
    return np.where(codes < 0, len(levels) - 1, codes)


@dataclass(frozen=True)
class Sums:
    """Rows and means by class, and either products of deviations over all rows or their squares by class.

    Attributes
    ----------
    rows : array of shape (n_classes,)
        A regression has one class, and the target as one more column at the end.
    means : array of shape (n_classes, n_columns)
    squares : array of shape (n_classes, n_columns), or None
        From the means of the class.
    products : array of shape (n_columns, n_columns), or None
        From the means of all rows.

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0], [6.0]]), np.array([0, 1, 1])
    >>> whole = Sums.of(X, y, 2, products=True)
    >>> parts = Sums.of(X[:1], y[:1], 2, products=True).merged(Sums.of(X[1:], y[1:], 2, products=True))
    >>> whole.means.ravel().tolist(), np.allclose(whole.products, parts.products)
    ([1.0, 4.0], True)
    """

    rows: np.ndarray
    means: np.ndarray
    squares: np.ndarray | None = None
    products: np.ndarray | None = None

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, n_classes: int, *, products: bool) -> Sums:
        """Return the sums of some rows; ``n_classes`` is 0 for a regression, which always has products.

        The columns of ``X`` should have means near zero, as those of :meth:`Layout.matrix` do: products are taken about it.
        """
        if not n_classes:
            return cls._with_target(X, y)
        hot = np.asarray(y[:, None] == np.arange(n_classes), dtype=np.float64)
        rows = hot.sum(axis=0)
        means = hot.T @ X / np.maximum(rows, 1)[:, None]
        if products:
            return cls(rows, means, products=_products(X, rows @ means / max(len(X), 1)))
        return cls(rows, means, squares=hot.T @ (X - means[y]) ** 2)  # what is constant in a class has exactly none

    @classmethod
    def _with_target(cls, X: np.ndarray, y: np.ndarray) -> Sums:
        mean, middle = X.mean(axis=0), y.mean()
        off = y - middle
        cross = X.T @ off
        made = np.block([[_products(X, mean), cross[:, None]], [cross[None, :], np.array([[off @ off]])]])
        return cls(np.array([float(len(X))]), np.append(mean, middle)[None, :], products=made)

    @property
    def n(self) -> float:
        """Number of rows."""
        return float(self.rows.sum())

    @property
    def mean(self) -> np.ndarray:
        """Means over all rows, shape (n_columns,)."""
        return np.asarray(self.rows @ self.means / max(self.n, 1.0))

    def merged(self, other: Sums) -> Sums:
        """Return the sums of the rows of both."""
        rows = self.rows + other.rows
        step = other.means - self.means
        share = (other.rows / np.maximum(rows, 1))[:, None]
        squares = products = None
        if self.squares is not None and other.squares is not None:
            squares = self.squares + other.squares + step**2 * self.rows[:, None] * share
        if self.products is not None and other.products is not None:
            apart = other.mean - self.mean
            weight = self.n * other.n / max(self.n + other.n, 1.0)
            products = self.products + other.products + weight * np.outer(apart, apart)
        return Sums(rows, self.means + step * share, squares, products)


def _products(X: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(X.T @ X - len(X) * np.outer(mean, mean))


def without_each(parts: Sequence[Sums]) -> list[Sums]:
    """Return for each part the sums of all others, with three merges a part: from the front, from the back, and of both.

    Examples
    --------
    >>> parts = [Sums.of(np.array([[v]]), np.array([0]), 1, products=False) for v in (1.0, 2.0, 6.0)]
    >>> [float(sums.mean[0]) for sums in without_each(parts)]
    [4.0, 3.5, 1.5]
    """
    front, back = [parts[0]], [parts[-1]]
    for i in range(1, len(parts) - 1):
        front.append(front[-1].merged(parts[i]))
        back.append(parts[-1 - i].merged(back[-1]))
    middle = [front[i - 1].merged(back[len(parts) - 2 - i]) for i in range(1, len(parts) - 1)]
    return [back[-1], *middle, front[-1]]


@dataclass(frozen=True)
class Seen:
    """The train rows of a fold as a step sees them: sums of its input columns, which are a linear map of the common ones.

    Attributes
    ----------
    sums : Sums
        Of the common columns.
    weights : array of shape (n_common, n_columns)
    offset : array of shape (n_columns,)
    marks : array of shape (n_columns,)
        The common column that marks missing values of a column; -1 where there are none, or they are filled.
    n_classes : int
        0 for a regression.
    names : tuple of str
        Of columns that are still those of a table.
    levels : tuple of (level, ...)
        Of categories that are not encoded yet; their weights mark the first level.
    """

    sums: Sums
    weights: np.ndarray
    offset: np.ndarray
    marks: np.ndarray
    n_classes: int
    names: tuple[str, ...] = ()
    levels: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def of(cls, X: np.ndarray, y: np.ndarray, n_classes: int, *, products: bool) -> Seen:
        """Return some rows as they are.

        Raises
        ------
        ValueError
            If values are missing.

        Examples
        --------
        >>> seen = Seen.of(np.array([[1.0], [3.0]]), np.array([2.0, 6.0]), 0, products=True)
        >>> seen.mean.tolist(), seen.target_products.tolist()
        ([2.0], [4.0])
        """
        if not np.isfinite(X).all():
            message = "Input X contains NaN or infinity."
            raise ValueError(message)
        sums, p = Sums.of(X, y, n_classes, products=products), X.shape[1]
        return cls(sums, np.eye(sums.means.shape[1], p), np.zeros(p), np.full(p, -1), n_classes)

    @classmethod
    def leaf(cls, sums: Sums, layout: Layout, names: Sequence[str], n_classes: int) -> Seen:
        """Return some source columns as they are."""
        known = {column.name: column for column in layout.columns}
        chosen = [known[name] for name in names]
        places = np.array([layout.first[name] for name in names], dtype=np.int64)
        weights = np.zeros((sums.means.shape[1], len(names)))
        weights[places, np.arange(len(names))] = 1.0
        marks = np.array([at + 1 if c.misses else -1 for at, c in zip(places, chosen, strict=True)], dtype=np.int64)
        levels = tuple(column.levels for column in chosen if column.levels is not None)
        return cls(sums, weights, np.array([c.shift for c in chosen]), marks, n_classes, tuple(names), levels)

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """Return the columns of several parts side by side."""
        return replace(
            parts[0],
            weights=np.hstack([part.weights for part in parts]),
            offset=np.concatenate([part.offset for part in parts]),
            marks=np.concatenate([part.marks for part in parts]),
            names=(),
        )

    # --- maps ---------------------------------------------------------------------------------------------------------

    def scaled(self, center: Any, scale: Any) -> Seen:
        """Return ``(columns - center) / scale``; missing values stay missing, and a column without any other is left as it is."""
        center, scale = np.nan_to_num(center), np.where(np.isnan(scale), 1.0, scale)
        return replace(self, weights=self.weights / scale, offset=(self.offset - center) / scale, names=())

    def encoded(self, blocks: Sequence[np.ndarray]) -> Seen:
        """Return categories as numbers: for each of the columns what its levels become, shape (n_levels, n_out)."""
        width = sum(block.shape[1] for block in blocks)
        weights, at = np.zeros((len(self.weights), width)), 0
        for place, block in zip(self.weights.argmax(axis=0), blocks, strict=True):
            weights[place : place + len(block), at : at + block.shape[1]] = block
            at += block.shape[1]
        return replace(self, weights=weights, offset=np.zeros(width), marks=np.full(width, -1), names=())

    def filled(self, values: np.ndarray) -> Seen:
        """Return the columns with a value of their own in the place of missing ones."""
        weights, holes = self.weights.copy(), np.flatnonzero(self.marks >= 0)
        weights[self.marks[holes], holes] = values[holes] - self.offset[holes]
        return replace(self, weights=weights, marks=np.full_like(self.marks, -1), names=())

    def plain(self) -> Seen:
        """Return the same columns as common ones of their own, so that what is told from them need not be told again."""
        if self.levels or (self.marks >= 0).any():
            return self
        w = self.weights
        if not self.n_classes:  # the target goes along
            w = np.column_stack([w, np.eye(len(w))[:, -1]])
        means = self.sums.means @ w
        means[:, : self.width] += self.offset
        if self.sums.products is None:
            made = Sums(self.sums.rows, means, squares=self.class_squares)
        else:
            made = Sums(self.sums.rows, means, products=w.T @ self.sums.products @ w)
        p = self.width
        return Seen(made, np.eye(means.shape[1], p), np.zeros(p), np.full(p, -1), self.n_classes, self.names)

    # --- what is told -------------------------------------------------------------------------------------------------

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.weights.shape[1])

    @property
    def rows(self) -> np.ndarray:
        """Rows of each class, shape (n_classes,); of a regression all of them."""
        return self.sums.rows

    @property
    def level_counts(self) -> list[np.ndarray]:
        """Rows of each level of categories that are not encoded yet, a column each."""
        counts = np.rint(self.sums.n * self.sums.mean).astype(np.int64)
        places = self.weights.argmax(axis=0)
        return [counts[at : at + len(levels)] for at, levels in zip(places, self.levels, strict=True)]

    @property
    def class_means(self) -> np.ndarray:
        """Means by class, shape (n_classes, n_columns)."""
        return np.asarray(self.sums.means @ self.weights + self.offset)

    @property
    def class_squares(self) -> np.ndarray:
        """Sums of squares of deviations from the class's mean, shape (n_classes, n_columns)."""
        s, w = self.sums, self.weights
        assert s.squares is not None
        # common columns of one source are never both different from zero in a row: their products are zero
        about_zero = (s.squares + s.rows[:, None] * s.means**2) @ w**2
        told = about_zero - s.rows[:, None] * (s.means @ w) ** 2
        single = (w != 0).sum(axis=0) <= 1
        return np.asarray(np.where(single, s.squares @ w**2, np.maximum(told, 0.0)))

    @property
    def squares(self) -> np.ndarray:
        """Sums of squares of deviations from the mean of all rows, shape (n_columns,)."""
        if self.sums.products is not None:
            return np.asarray(np.einsum("ij,ij->j", self.weights, self.sums.products @ self.weights))
        between = self.rows @ (self.class_means - self.mean) ** 2
        return np.asarray(self.class_squares.sum(axis=0) + between)

    @property
    def mean(self) -> np.ndarray:
        """Means over all rows, shape (n_columns,)."""
        return np.asarray(self.sums.mean @ self.weights + self.offset)

    @property
    def products(self) -> np.ndarray:
        """Products of deviations from the means, shape (n_columns, n_columns)."""
        assert self.sums.products is not None
        return np.asarray(self.weights.T @ self.sums.products @ self.weights)

    @property
    def target_mean(self) -> float:
        """Mean of the target of a regression."""
        return float(self.sums.means[0, -1])

    @property
    def target_products(self) -> np.ndarray:
        """Products of deviations of columns and target of a regression, shape (n_columns,)."""
        assert self.sums.products is not None
        return np.asarray(self.weights.T @ self.sums.products[:, -1])

    @property
    def target_squares(self) -> float:
        """Sum of squares of deviations of the target of a regression."""
        assert self.sums.products is not None
        return float(self.sums.products[-1, -1])

    @property
    def known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows that are not missing, their means and their sums of squares of deviations, each of shape (n_columns,)."""
        s = self.sums
        n_missing = np.where(self.marks >= 0, s.n * s.mean[self.marks], 0.0)
        n = np.rint(s.n - n_missing)
        bare = replace(self, offset=np.zeros(self.width))
        mean = s.n * bare.mean / np.maximum(n, 1)
        squares = self.squares
        squares = np.where(self.marks >= 0, squares + s.n * bare.mean**2 - n * mean**2, squares)
        return n, np.where(n > 0, mean + self.offset, np.nan), np.maximum(squares, 0.0)

    def check_known(self) -> None:
        """Refuse columns with missing values, as a learner that cannot read them does.

        Raises
        ------
        ValueError
        """
        if (self.known[0] < self.sums.n).any():
            message = "Input X contains NaN."
            raise ValueError(message)
