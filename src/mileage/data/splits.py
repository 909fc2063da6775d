"""Rows dealt once: to the splits of a validation, and within them to blocks.

Splits come from scikit-learn's own splitters, written as the very expression that an exported script has.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mileage.data.blocks import deal_blocks, iter_blocks
from mileage.data.rowset import RowSet
from mileage.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["RowSet", "Split", "SplitSpec", "Splits", "deal", "deal_rows", "iter_blocks"]

_METHODS = ("folds", "holdout", "bootstrap", "on")
_NUMPY = "import numpy as np"


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How rows are split.

    ``method`` is ``folds`` (``n`` of them, dealt ``repeat`` times), ``holdout`` (``size`` as a share below 1, else in
    rows), ``bootstrap`` (``n`` draws) or ``on`` (tested on a table of its own). Rows with equal ``groups`` stay
    together; with ``order_by`` later rows are scored by what was learned from earlier ones. ``stratify`` may name
    columns other than the target. With ``parts`` each configuration has splits of its own, put together from so many parts of the
    rows (:mod:`mileage.data.reshuffle`).
    """

    method: str = "folds"
    n: int = 5
    size: float = 0.2
    repeat: int = 1
    groups: tuple[str, ...] = ()
    order_by: str | None = None
    stratify: bool | tuple[str, ...] = False
    seed: int = 0
    parts: int = 0

    @property
    def n_splits(self) -> int:
        """How many fits a score is made of."""
        return {"folds": self.n * self.repeat, "bootstrap": self.n, "holdout": self.repeat}.get(self.method, 1)

    @property
    def test_share(self) -> float | None:
        """Rows scored per row trained on; None where that is not known beforehand.

        Examples
        --------
        >>> SplitSpec("folds", n=5, repeat=3).test_share, SplitSpec("holdout", size=0.2).test_share
        (0.25, 0.25)
        """
        if self.method == "folds":
            return 1 / (self.n - 1)
        return self.size / (1 - self.size) if self.method == "holdout" and self.size < 1 else None

    def n_scored(self, n_rows: int) -> float:
        """Return about how many of some rows a split scores.

        Examples
        --------
        >>> SplitSpec("folds", n=5).n_scored(100), SplitSpec("holdout", size=30).n_scored(100)
        (20.0, 30.0)
        """
        if self.method == "folds":
            return max(1.0, n_rows / (self.n + (self.order_by is not None)))
        if self.method == "holdout":
            return max(1.0, self.size * n_rows if self.size < 1 else float(self.size))
        return max(1.0, n_rows / math.e)  # what a bootstrap leaves out

    def dealt_again(self, times: int) -> SplitSpec:
        """Return the same kind of splits, dealt so many times, each in a way that this one does not have, and for all alike.

        Examples
        --------
        >>> SplitSpec("folds", n=5, seed=7).dealt_again(3)
        SplitSpec(method='folds', n=5, size=0.2, repeat=3, groups=(), order_by=None, stratify=False, seed=8, parts=0)
        """
        return replace(self, repeat=times, seed=self.seed + self.repeat, parts=0)

    def to_parts(self) -> SplitSpec:
        """Return how the rows are dealt to the parts that splits of a configuration's own are made of.

        Examples
        --------
        >>> SplitSpec("holdout", size=0.2, parts=65).to_parts().n
        65
        """
        return replace(self, method="folds", n=self.parts, repeat=1, parts=0)


@dataclass(frozen=True, slots=True)
class Split:
    """The rows that one fit sees, and the rows that score it."""

    train: RowSet
    test: RowSet


@dataclass(frozen=True, slots=True)
class Splits:
    """All splits, the block of each row, and plain scikit-learn code that deals them.

    Blocks are numbered region by region, ``blocks_a_region`` of them in each; a region is a fold's test rows, or the
    rows that no split tests. ``code`` is an expression over ``X``, ``y``, ``groups``, ``strata`` and ``order`` that yields pairs of row numbers
    once the lines of ``imports`` have run.
    """

    pairs: tuple[Split, ...]
    block_of_row: np.ndarray
    code: str
    imports: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    blocks_a_region: int = 1


@dataclass(frozen=True, slots=True)
class _Deal:
    """The code of a split, before it runs."""

    code: str
    imports: tuple[str, ...]
    notes: tuple[str, ...] = ()


def deal(
    spec: SplitSpec,
    *,
    n_rows: int,
    y: np.ndarray | None = None,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> Splits:
    """Deal rows to the splits of ``spec``.

    Parameters
    ----------
    spec : SplitSpec
    n_rows : int
    y, strata, groups, order : arrays of shape (n_rows,), optional
        Target codes, codes of other columns to stratify by, codes of groups that stay together, and what puts rows
        in time order (rows without an order come last).

    Raises
    ------
    DataError
        If there are fewer rows, groups or points in time than the splits need.

    Examples
    --------
    >>> splits = deal(SplitSpec("folds", n=4), n_rows=100)
    >>> [pair.test.n for pair in splits.pairs], splits.code
    ([25, 25, 25, 25], 'KFold(n_splits=4, shuffle=True, random_state=0).split(X, None)')
    """
    check_split(spec, n_rows, _n_groups(groups))
    label = ("strata" if strata is not None else "y") if spec.stratify else ""
    by = {"strata": strata, "y": y}.get(label)
    made = _splitter(spec, label if by is not None else "", by, groups, ordered=order is not None)
    pairs = _run(made, n_rows, {"y": y, "strata": strata, "groups": groups, "order": order})
    multiset = spec.method == "bootstrap"
    splits = tuple(Split(RowSet.of(a, n_rows, multiset=multiset), RowSet.of(b, n_rows)) for a, b in pairs)
    if any(split.train.n == 0 or split.test.n == 0 for split in splits):
        raise DataError("a split has no rows to train or to score", code="D427", hint="use fewer folds or another size")
    tests = () if multiset else tuple(split.test for split in splits)
    in_time = order if spec.order_by else None
    blocks, per = deal_blocks(tests, n_rows, by=by, groups=groups, order=in_time, seed=spec.seed)
    return Splits(splits, blocks, made.code, made.imports, made.notes, per)


def deal_rows(spec: SplitSpec, y: np.ndarray, aux: pd.DataFrame | None) -> Splits:
    """Return the splits of a table by its target and auxiliary columns."""
    strata = spec.stratify if isinstance(spec.stratify, tuple) else ()
    order = aux[spec.order_by].to_numpy() if spec.order_by and aux is not None else None
    return deal(spec, n_rows=len(y), y=y, strata=_key(aux, strata), groups=_key(aux, spec.groups), order=order)


def _key(aux: pd.DataFrame | None, columns: tuple[str, ...]) -> np.ndarray | None:
    """Return one integer per row that names its combination of values."""
    if not columns or aux is None:
        return None
    import numpy as np

    return np.asarray(aux.groupby(list(columns), dropna=False, sort=True).ngroup())


def _run(made: _Deal, n_rows: int, names: dict[str, Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Evaluate the very expression that the script has, so that they cannot differ."""
    import numpy as np

    namespace: dict[str, Any] = {"np": np, "X": np.zeros((n_rows, 1)), **names}
    for line in made.imports:
        exec(line, namespace)  # noqa: S102  (our own line)
    with warnings.catch_warnings():
        # A class with fewer rows than folds: a monitor reports it before the run.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return list(eval(made.code, namespace))  # noqa: S307  (our own expression)
        except (ValueError, TypeError) as error:
            hint = "use fewer folds, or a larger size"
            raise DataError(f"the rows cannot be dealt: {error}", code="D427", hint=hint) from error


def _n_groups(groups: np.ndarray | None) -> int | None:
    import numpy as np

    return None if groups is None else len(np.unique(groups))


def check_split(spec: SplitSpec, n_rows: int, n_groups: int | None = None) -> None:
    """Check that rows and groups are enough for a split.

    Raises
    ------
    DataError
        If they are too few.

    Examples
    --------
    >>> check_split(SplitSpec("folds", n=4), 100)
    """
    if spec.method not in _METHODS:
        raise DataError(f"no way to split is named '{spec.method}'", code="D429", hint=f"one of {', '.join(_METHODS)}")
    needed = spec.n + (spec.order_by is not None) if spec.method == "folds" else 2
    if n_rows < max(needed, 4):
        what = (
            f"{n_rows} row{'s' * (n_rows != 1)} cannot be dealt to {spec.n} folds"
            if spec.method == "folds"
            else f"{n_rows} rows are too few to train and to score"
        )
        raise DataError(
            what,
            code="D425",
            hint=f"VALIDATE BY {max(2, n_rows // 2)} FOLDS" if n_rows >= 4 else "give at least 4 rows with a target",
        )
    if spec.method == "holdout" and spec.size >= n_rows:
        raise DataError(
            f"{int(spec.size)} of {n_rows} rows cannot be held out", code="D425", hint="hold out a share, such as 20 %"
        )
    wanted = spec.n if spec.method == "folds" else 2
    if n_groups is not None and spec.method != "on" and n_groups < wanted:
        what = f"{wanted} folds" if spec.method == "folds" else "a training and a test part"
        raise DataError(
            f"{n_groups} group{'s' * (n_groups != 1)} cannot be dealt to {what}",
            code="D426",
            hint="use fewer folds, or other columns in KEEPING ... TOGETHER",
        )


def _splitter(spec: SplitSpec, label: str, by: np.ndarray | None, groups: np.ndarray | None, *, ordered: bool) -> _Deal:
    """Return the expression of a spec; ``label`` is the variable to stratify by, empty if there is none."""
    notes: tuple[str, ...] = ()
    if spec.method == "on":
        return _Deal("[(np.arange(len(X)), np.arange(len(X)))]", (_NUMPY,))
    if spec.order_by is not None and ordered:
        return _ordered(spec, grouped=groups is not None)
    if spec.method == "bootstrap":
        return _bootstrap(spec, grouped=groups is not None)
    if groups is not None:
        return _grouped(spec, label, by)
    if by is not None and not _can_stratify(spec, by):
        label, notes = (
            "",
            ("the classes are too rare to have each in every split: rows are dealt without regard to them",),
        )
    args = f"X, {label or 'None'}"
    if spec.method == "holdout":
        name = "StratifiedShuffleSplit" if label else "ShuffleSplit"
        made = _sorted(
            f"{name}(n_splits={spec.repeat}, test_size={_size(spec)}, random_state={spec.seed}).split({args})"
        )
        return _Deal(made, (_NUMPY, f"from sklearn.model_selection import {name}"), notes)
    if spec.repeat > 1:
        name = "RepeatedStratifiedKFold" if label else "RepeatedKFold"
        made = f"{name}(n_splits={spec.n}, n_repeats={spec.repeat}, random_state={spec.seed}).split({args})"
    else:
        name = "StratifiedKFold" if label else "KFold"
        made = f"{name}(n_splits={spec.n}, shuffle=True, random_state={spec.seed}).split({args})"
    return _Deal(made, (f"from sklearn.model_selection import {name}",), notes)


def _can_stratify(spec: SplitSpec, by: np.ndarray) -> bool:
    """Say whether scikit-learn would stratify: no class of one row, and room for each class on both sides."""
    import numpy as np

    counts = np.unique(by, return_counts=True)[1]
    if spec.method == "folds":
        return bool(counts.max() >= spec.n)
    n_test = spec.size * len(by) if spec.size < 1 else spec.size
    return bool(counts.min() >= 2) and min(n_test, len(by) - n_test) >= len(counts)


def _grouped(spec: SplitSpec, label: str, by: np.ndarray | None) -> _Deal:
    notes: tuple[str, ...] = ()
    if spec.method == "holdout":
        # scikit-learn has no stratified group holdout; the share is one of groups, not of rows.
        code = f"GroupShuffleSplit(n_splits={spec.repeat}, test_size={_size(spec)}, random_state={spec.seed}).split(X, None, groups)"
        return _Deal(
            code, ("from sklearn.model_selection import GroupShuffleSplit",), ("the size is a share of groups",)
        )
    if by is not None and not _can_stratify(spec, by):
        label, notes = "", ("the classes are too rare to have each in every split",)
    name = "StratifiedGroupKFold" if label else "GroupKFold"
    code = f"{name}(n_splits={spec.n}, shuffle=True, random_state={spec.seed}).split(X, {label or 'None'}, groups)"
    if spec.repeat > 1:
        one = code.replace(f"random_state={spec.seed}", "random_state=seed")
        code = f"[pair for seed in range({spec.seed}, {spec.seed + spec.repeat}) for pair in {one}]"
    return _Deal(code, (f"from sklearn.model_selection import {name}",), notes)


def _bootstrap(spec: SplitSpec, *, grouped: bool) -> _Deal:
    """Rows (or whole groups) are drawn with replacement; what was never drawn scores."""
    drawn = f"[np.random.default_rng({spec.seed} + i) for i in range({spec.n})]"
    if not grouped:
        rows = f"(rng.integers(0, len(X), len(X)) for rng in {drawn})"
        return _Deal(f"[(rows, np.setdiff1d(np.arange(len(X)), rows)) for rows in {rows}]", (_NUMPY,))
    code = (
        "[(np.concatenate([np.flatnonzero(groups == g) for g in chosen]), np.flatnonzero(~np.isin(groups, chosen))) "
        f"for rng in {drawn} for chosen in [rng.choice(np.unique(groups), len(np.unique(groups)))]]"
    )
    return _Deal(code, (_NUMPY,))


def _ordered(spec: SplitSpec, *, grouped: bool) -> _Deal:
    """Later rows score what earlier rows taught; a group that began earlier does not score."""
    imports: tuple[str, ...]
    ranked = 'np.argsort(order, kind="stable")'
    if spec.method == "holdout":
        n = f"max(1, round({spec.size} * len(X)))" if spec.size < 1 else str(int(spec.size))
        cut = f"for cut in [len(X) - {n}]"
        pairs, imports = f"[(np.sort(rows[:cut]), np.sort(rows[cut:])) for rows in [{ranked}] {cut}]", (_NUMPY,)
    else:
        pairs = f"[(np.sort(rows[a]), np.sort(rows[b])) for rows in [{ranked}] for a, b in TimeSeriesSplit({spec.n}).split(rows)]"
        imports = (_NUMPY, "from sklearn.model_selection import TimeSeriesSplit")
    notes: tuple[str, ...] = ("there is one order of time: it is dealt once",) if spec.repeat > 1 else ()
    if not grouped:
        return _Deal(pairs, imports, notes)
    code = f"[(a, b[~np.isin(groups[b], groups[a])]) for a, b in {pairs}]"
    return _Deal(code, imports, (*notes, "rows of a group that began in the training part are not scored"))


def _sorted(pairs: str) -> str:
    """Rows in the order of the table: a set of rows has no other, and some models learn in the order of rows."""
    return f"[(np.sort(a), np.sort(b)) for a, b in {pairs}]"


def _size(spec: SplitSpec) -> str:
    return repr(spec.size) if spec.size < 1 else str(int(spec.size))
