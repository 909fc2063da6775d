"""Sums over rows, and what can be told from those of several parts: rows, means and products of columns.

The columns are common to all parts, whatever is fitted there: a number with zeros in the place of missing values and, if it
has such, a 0/1 column that marks them; of a category a 0/1 column for each level. Whatever is fitted on some rows and
maps each column by itself (fills, shifts, scales, encodes) is a linear map of these columns, so that the sums of its output are told from theirs.

Each part knows the levels that it has met, so what is merged may be anything: folds of a deal, or a smaller sample and the rows
that a larger one adds. Sums are merged and never taken out of a whole: merging has no cancellation, and next to a scan of rows it costs nothing.

References
----------
Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.
Izbicki 2013, Algebraic classifiers: a generic approach to fast cross-validation, ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from mileage.operators.layout import Cells, Layout

_FEWEST, _AT_ONCE = 1000, 2**19  # rows, and numbers that stay near the processor: 4 MB


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
        rows = np.bincount(y, minlength=n_classes).astype(np.float64)
        means = np.empty((n_classes, X.shape[1]))
        squares = None if products else np.empty_like(means)
        for j, column in enumerate(X.T):  # columns lie in one piece
            means[:, j] = np.bincount(y, column, n_classes) / np.maximum(rows, 1)
            if squares is not None:  # what is constant in a class has exactly none
                squares[:, j] = np.bincount(y, (column - means[y, j]) ** 2, n_classes)
        made = _products(X, rows @ means / max(len(X), 1)) if products else None
        return cls(rows, means, squares, made)

    @classmethod
    def _with_target(cls, X: np.ndarray, y: np.ndarray) -> Sums:
        n = max(len(X), 1)
        mean, middle = X.sum(axis=0) / n, y.sum() / n
        off = y - middle
        cross = X.T @ off
        made = np.block([[_products(X, mean), cross[:, None]], [cross[None, :], np.array([[off @ off]])]])
        return cls(np.array([float(len(X))]), np.append(mean, middle)[None, :], products=made)

    def beside(self, counts: np.ndarray) -> Sums:
        """Return the sums with more columns, of 0 and 1, that have so many ones in each class, shape (n_classes, n_more)."""
        shares = counts / np.maximum(self.rows, 1)[:, None]
        assert self.squares is not None
        squares = np.hstack([self.squares, counts * (1.0 - shares)])
        return replace(self, means=np.hstack([self.means, shares]), squares=squares)

    def spread(self, places: np.ndarray, width: int) -> Sums:
        """Return the same sums among more columns, which are zero in all of these rows; ``places`` are those of its own."""
        n_more = self.means.shape[1] - len(places)  # the target of a regression is the last
        at = np.append(places, np.arange(width, width + n_more))

        def wider(values: np.ndarray | None) -> np.ndarray | None:
            if values is None:
                return None
            made = np.zeros((len(values), width + n_more))
            made[:, at] = values
            return made

        means, squares, products = wider(self.means), wider(self.squares), None
        if self.products is not None:
            products = np.zeros((width + n_more, width + n_more))
            products[np.ix_(at, at)] = self.products
        assert means is not None
        return Sums(self.rows, means, squares, products)

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

    @classmethod
    def pooled(cls, parts: Sequence[Sums]) -> Sums:
        """Return the sums of the rows of all parts at once.

        Examples
        --------
        >>> parts = [Sums.of(np.array([[v]]), np.array([0]), 1, products=False) for v in (1.0, 2.0, 6.0)]
        >>> Sums.pooled(parts).mean.tolist(), Sums.pooled(parts).squares.tolist()
        ([3.0], [[14.0]])
        """
        rows = np.sum([part.rows for part in parts], axis=0)
        means = np.sum([part.rows[:, None] * part.means for part in parts], axis=0) / np.maximum(rows, 1)[:, None]
        made = cls(rows, means)
        squares = [
            part.squares + part.rows[:, None] * (part.means - means) ** 2 for part in parts if part.squares is not None
        ]
        products = [part.products for part in parts if part.products is not None]
        if not products:
            return replace(made, squares=np.sum(squares, axis=0))
        apart, n = np.stack([part.mean for part in parts]) - made.mean, np.array([part.n for part in parts])
        return replace(made, products=np.sum(products, axis=0) + (apart * n[:, None]).T @ apart)


def _products(X: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.asarray(X.T @ X - len(X) * np.outer(mean, mean))


@dataclass(frozen=True)
class State:
    """Sums of some rows, and the columns that they are of; states of different rows merge to that of all of them.

    Attributes
    ----------
    layout : Layout
    sums : Sums
    extremes : array of shape (2, n_columns), or None
        The smallest value of each common column that is a number, and of its negative, missing ones apart; NaN for others.

    Examples
    --------
    >>> import pandas as pd
    >>> X, y = pd.DataFrame({"c": ["u", "v", "u"]}), np.array([0, 1, 1])
    >>> layout = Layout.about(X, [], ["c"])
    >>> parts = [State.of(layout, X.iloc[rows], y[rows], 2, products=False) for rows in ([0], [1, 2])]
    >>> whole = parts[0].merged(parts[1])
    >>> whole.layout.columns[0].levels, whole.sums.mean.round(2).tolist()
    (('u', 'v'), [0.67, 0.33])
    """

    layout: Layout
    sums: Sums
    extremes: np.ndarray | None = None

    @classmethod
    def of(
        cls, layout: Layout, X: Any, y: np.ndarray, n_classes: int, *, products: bool, extremes: bool = False
    ) -> State:
        """Return the state of some rows, whose columns are read as ``layout`` says."""
        cells = layout.read(X)
        apart = n_classes > 0 and not products and bool(cells.codes)  # a count of levels needs no columns of 0 and 1
        merged = _by_steps(cells.numbers() if apart else cells, y, n_classes, products=products)
        if apart:
            merged = merged.beside(cells.level_counts(y, n_classes))
        return cls(cells.layout, merged, cells.extremes() if extremes else None)

    def merged(self, other: State) -> State:
        """Return the state of the rows of both."""
        layout = self.layout if self.layout == other.layout else self.layout.joined(other.layout)
        one, two = self._within(layout), other._within(layout)
        extremes = None
        if one.extremes is not None and two.extremes is not None:
            extremes = np.fmin(one.extremes, two.extremes)
        return State(layout, one.sums.merged(two.sums), extremes)

    @classmethod
    def pooled(cls, parts: Sequence[State]) -> State:
        """Return the state of the rows of all parts at once."""
        layout = reduce(lambda one, other: one if one == other else one.joined(other), [part.layout for part in parts])
        within = [part._within(layout) for part in parts]
        found = [part.extremes for part in within if part.extremes is not None]
        return cls(layout, Sums.pooled([part.sums for part in within]), reduce(np.fmin, found) if found else None)

    def _within(self, layout: Layout) -> State:
        """Return the same in a layout with more levels or marks."""
        if self.layout == layout:
            return self
        places = self.layout.places(layout)
        extremes = None
        if self.extremes is not None:
            extremes = np.full((2, layout.width), np.nan)
            extremes[:, places] = self.extremes
        return State(layout, self.sums.spread(places, layout.width), extremes)


def _by_steps(cells: Cells, y: np.ndarray, n_classes: int, *, products: bool) -> Sums:
    """Return the sums of rows, a few at a time."""
    step = max(_FEWEST, _AT_ONCE // max(1, cells.layout.width))
    sums = [
        Sums.of(cells.matrix(start, start + step), y[start : start + step], n_classes, products=products)
        for start in range(0, max(1, len(y)), step)
    ]
    return reduce(lambda one, other: one.merged(other), sums)


def without_each(parts: Sequence[State]) -> list[State]:
    """Return for each part the state of all others, with three merges a part: from the front, from the back, and of both.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [pd.DataFrame({"a": [v]}) for v in (1.0, 2.0, 6.0)]
    >>> layout = Layout.about(rows[0], ["a"])
    >>> parts = [State.of(layout, X, np.array([0]), 1, products=False) for X in rows]
    >>> [float(state.sums.mean[0]) + layout.columns[0].shift for state in without_each(parts)]
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
    extremes : array of shape (2, n_columns), or None
        The smallest value of each column, and of its negative, where these are known.
    """

    sums: Sums
    weights: np.ndarray
    offset: np.ndarray
    marks: np.ndarray
    n_classes: int
    names: tuple[str, ...] = ()
    levels: tuple[tuple[Any, ...], ...] = ()
    extremes: np.ndarray | None = None

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
    def leaf(cls, state: State, names: Sequence[str], n_classes: int) -> Seen:
        """Return some source columns as they are."""
        layout, sums = state.layout, state.sums
        known = {column.name: column for column in layout.columns}
        chosen = [known[name] for name in names]
        places = np.array([layout.first[name] for name in names], dtype=np.int64)
        weights = np.zeros((sums.means.shape[1], len(names)))
        weights[places, np.arange(len(names))] = 1.0
        marks = np.array([at + 1 if c.misses else -1 for at, c in zip(places, chosen, strict=True)], dtype=np.int64)
        levels = tuple(column.levels for column in chosen if column.levels is not None)
        shifts = np.array([c.shift for c in chosen])
        extremes = None if state.extremes is None else state.extremes[:, places] + np.stack([shifts, -shifts])
        return cls(sums, weights, shifts, marks, n_classes, tuple(names), levels, extremes)

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """Return the columns of several parts side by side."""
        return replace(
            parts[0],
            weights=np.hstack([part.weights for part in parts]),
            offset=np.concatenate([part.offset for part in parts]),
            marks=np.concatenate([part.marks for part in parts]),
            names=(),
            extremes=_beside([part.extremes for part in parts]),
        )

    # --- maps ---------------------------------------------------------------------------------------------------------

    def scaled(self, center: Any, scale: Any) -> Seen:
        """Return ``(columns - center) / scale``; missing values stay missing, and a column without any other is left as it is."""
        center, scale = np.nan_to_num(center), np.where(np.isnan(scale), 1.0, scale)
        extremes = None if self.extremes is None else (self.extremes - np.stack([center, -center])) / scale
        made = replace(self, weights=self.weights / scale, offset=(self.offset - center) / scale, names=())
        return replace(made, extremes=extremes)

    def turned(self, axes: np.ndarray, center: np.ndarray) -> Seen:
        """Return ``(columns - center) @ axes``."""
        offset = (self.offset - center) @ axes
        made = replace(self, weights=self.weights @ axes, offset=offset, marks=np.full(len(offset), -1), names=())
        return replace(made, extremes=None if self.extremes is None else np.full((2, len(offset)), np.nan))

    def kept(self, which: np.ndarray) -> Seen:
        """Return some of the columns, by their places."""
        made = replace(self, weights=self.weights[:, which], offset=self.offset[which], marks=self.marks[which])
        return replace(made, names=(), extremes=None if self.extremes is None else self.extremes[:, which])

    def encoded(self, blocks: Sequence[np.ndarray]) -> Seen:
        """Return categories as numbers: for each of the columns what its levels become, shape (n_levels, n_out)."""
        width = sum(block.shape[1] for block in blocks)
        weights, at = np.zeros((len(self.weights), width)), 0
        extremes = None if self.extremes is None else np.empty((2, width))
        for place, block, rows in zip(self.weights.argmax(axis=0), blocks, self.level_counts, strict=True):
            weights[place : place + len(block), at : at + block.shape[1]] = block
            if extremes is not None:
                met = block[rows > 0]
                extremes[:, at : at + block.shape[1]] = met.min(axis=0), -met.max(axis=0)
            at += block.shape[1]
        marks = np.full(width, -1)
        return replace(
            self, weights=weights, offset=np.zeros(width), marks=marks, names=(), levels=(), extremes=extremes
        )

    def filled(self, values: np.ndarray) -> Seen:
        """Return the columns with a value of their own in the place of missing ones."""
        weights, holes = self.weights.copy(), np.flatnonzero(self.marks >= 0)
        weights[self.marks[holes], holes] = values[holes] - self.offset[holes]
        made = replace(self, weights=weights, marks=np.full_like(self.marks, -1), names=())
        if self.extremes is None:
            return made
        some = holes[self.sums.mean[self.marks[holes]] > 0]
        extremes = self.extremes.copy()
        extremes[:, some] = np.fmin(extremes[:, some], np.stack([values[some], -values[some]]))
        return replace(made, extremes=extremes)

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
        marks = np.full(p, -1)
        return Seen(
            made, np.eye(means.shape[1], p), np.zeros(p), marks, self.n_classes, self.names, extremes=self.extremes
        )

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

    @property
    def low(self) -> np.ndarray:
        """Smallest values of columns, missing ones apart, shape (n_columns,)."""
        assert self.extremes is not None
        return np.asarray(self.extremes[0])

    @property
    def high(self) -> np.ndarray:
        """Largest values of columns, missing ones apart, shape (n_columns,)."""
        assert self.extremes is not None
        return np.asarray(-self.extremes[1])

    def check_known(self) -> None:
        """Refuse columns with missing values, as a learner that cannot read them does.

        Raises
        ------
        ValueError
        """
        if (self.known[0] < self.sums.n).any():
            message = "Input X contains NaN."
            raise ValueError(message)


def _beside(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.hstack(known) if len(known) == len(parts) else None
