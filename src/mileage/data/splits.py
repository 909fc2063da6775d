"""Rows dealt once into blocks; a fold is a set of blocks, kept as a bitmap.

Folds come from scikit-learn's own splitters, so that an exported script deals the same folds; each fold is then
refined into blocks (stratified, whole groups together), so that samples and finer splits are unions of blocks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mileage.core.fingerprint import Fingerprint
from mileage.errors import DataError

if TYPE_CHECKING:
    import numpy as np

_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How rows are split: ``method`` is ``folds``, ``holdout``, ``bootstrap`` or ``on`` (a table of its own)."""

    method: str = "folds"
    n: int = 5
    size: float = 0.2
    repeat: int = 1
    groups: tuple[str, ...] = ()
    order_by: str | None = None
    stratify: bool | tuple[str, ...] = False
    seed: int = 0


class RowSet:
    """A set of rows as a bitmap, or a multiset of rows (a bootstrap) as indices.

    Examples
    --------
    >>> import numpy as np
    >>> rows = RowSet.of(np.array([0, 2]), 4)
    >>> rows.n, rows.indices().tolist(), rows.isdisjoint(RowSet.of(np.array([1]), 4))
    (2, [0, 2], True)
    """

    def __init__(self, bits: np.ndarray, n_rows: int, drawn: np.ndarray | None = None) -> None:
        self.bits, self.n_rows, self.drawn = bits, n_rows, drawn

    @classmethod
    def of(cls, indices: np.ndarray, n_rows: int, *, multiset: bool = False) -> RowSet:
        """Return the set of these row numbers."""
        import numpy as np

        mask = np.zeros(n_rows, dtype=bool)
        mask[indices] = True
        return cls(np.packbits(mask), n_rows, indices.astype(np.int64) if multiset else None)

    def indices(self) -> np.ndarray:
        """Return the row numbers, ascending; for a multiset each as often as it was drawn."""
        import numpy as np

        if self.drawn is not None:
            return self.drawn
        return np.flatnonzero(np.unpackbits(self.bits, count=self.n_rows))

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.indices())

    @cached_property
    def digest(self) -> Fingerprint:
        """Hash of the set."""
        from blake3 import blake3

        data = self.bits.tobytes() if self.drawn is None else b"m" + self.drawn.tobytes()
        return Fingerprint(blake3(data).hexdigest(length=16))

    def isdisjoint(self, other: RowSet) -> bool:
        """Say whether no row is in both."""
        return not bool((self.bits & other.bits).any())

    def issubset(self, other: RowSet) -> bool:
        """Say whether every row is in ``other``."""
        return not bool((self.bits & ~other.bits).any())


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to fit on and rows to score on."""

    train: RowSet
    test: RowSet


@dataclass(frozen=True)
class Splits:
    """All splits of a table, the blocks they are made of, and plain scikit-learn code that deals them."""

    pairs: tuple[Split, ...]
    block_of_row: np.ndarray
    code: str
    imports: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


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
        Target codes, other strata, groups that stay together, and what puts rows in time order.

    Raises
    ------
    DataError
        If there are fewer rows or groups than folds.

    Examples
    --------
    >>> splits = deal(SplitSpec("folds", n=4), n_rows=100)
    >>> [pair.test.n for pair in splits.pairs]
    [25, 25, 25, 25]
    """
    import numpy as np

    by = (strata if strata is not None else y) if spec.stratify else None
    _check(spec, n_rows, groups)
    code, imports, notes = _splitter(spec, by, groups)
    namespace: dict[str, Any] = {
        "np": np,
        "X": np.zeros((n_rows, 1)),
        "y": by,
        "strata": by,
        "groups": groups,
        "order": order,
    }
    for line in imports:
        exec(line, namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a rare class: reported as a finding before the run
        pairs = list(eval(code, namespace))
    multiset = spec.method == "bootstrap"
    made = tuple(Split(RowSet.of(a, n_rows, multiset=multiset), RowSet.of(b, n_rows)) for a, b in pairs)
    return Splits(made, _blocks(made, n_rows, by, groups, spec.seed), code, imports, notes)


def _check(spec: SplitSpec, n_rows: int, groups: np.ndarray | None) -> None:
    import numpy as np

    if spec.method == "folds" and n_rows < spec.n:
        raise DataError(
            f"{n_rows} rows cannot be dealt to {spec.n} folds",
            code="D425",
            hint=f"VALIDATE BY {max(2, n_rows // 2)} FOLDS",
        )
    if n_rows < 4:
        raise DataError(
            f"{n_rows} rows are too few to train and to score", code="D425", hint="give at least 4 rows with a target"
        )
    if groups is not None and len(np.unique(groups)) < (spec.n if spec.method == "folds" else 2):
        raise DataError(
            f"{len(np.unique(groups))} groups cannot be dealt to {spec.n} folds",
            code="D426",
            hint="use fewer folds, or other columns in KEEPING ... TOGETHER",
        )


def _splitter(
    spec: SplitSpec, by: np.ndarray | None, groups: np.ndarray | None
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the scikit-learn expression of a spec, its imports, and notes."""
    stratified, notes = by is not None, ()
    if stratified and _rarest(by) < 2 and groups is None:
        stratified, notes = spec.method == "folds", ("a class has one row: not every fold can have it",)
    if spec.order_by is not None:
        return _ordered(spec)
    label = "y" if stratified else ""
    args = ", ".join(["X", label or "None"])
    if spec.method == "bootstrap":
        code = f"[(rows, np.setdiff1d(np.arange(len(X)), rows)) for rows in (np.random.default_rng({spec.seed} + i).integers(0, len(X), len(X)) for i in range({spec.n}))]"
        return code, ("import numpy as np",), notes
    if groups is not None:
        return _grouped(spec, stratified=stratified)
    if spec.method == "holdout":
        name = "StratifiedShuffleSplit" if stratified else "ShuffleSplit"
        code = f"{name}(n_splits={spec.repeat}, test_size={_size(spec)}, random_state={spec.seed}).split({args})"
    elif spec.repeat > 1:
        name = "RepeatedStratifiedKFold" if stratified else "RepeatedKFold"
        code = f"{name}(n_splits={spec.n}, n_repeats={spec.repeat}, random_state={spec.seed}).split({args})"
    else:
        name = "StratifiedKFold" if stratified else "KFold"
        code = f"{name}(n_splits={spec.n}, shuffle=True, random_state={spec.seed}).split({args})"
    return code, (f"from sklearn.model_selection import {name}",), notes


def _grouped(spec: SplitSpec, *, stratified: bool) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    args = f"X, {'y' if stratified else 'None'}, groups"
    if spec.method == "holdout":
        name = "GroupShuffleSplit"
        code = f"{name}(n_splits={spec.repeat}, test_size={_size(spec)}, random_state={spec.seed}).split({args})"
        return code, (f"from sklearn.model_selection import {name}",), ()
    name = "StratifiedGroupKFold" if stratified else "GroupKFold"
    one = f"{name}(n_splits={spec.n}, shuffle=True, random_state={{seed}}).split({args})"
    if spec.repeat > 1:
        code = f"[pair for seed in range({spec.seed}, {spec.seed + spec.repeat}) for pair in {one.format(seed='seed')}]"
    else:
        code = one.format(seed=spec.seed)
    return code, (f"from sklearn.model_selection import {name}",), ()


def _ordered(spec: SplitSpec) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The last part is scored in time order: ``order`` is sorted stably."""
    ranked = "np.argsort(order, kind='stable')"
    if spec.method == "holdout":
        n = f"round({spec.size} * len(X))" if spec.size < 1 else str(int(spec.size))
        code = f"[(np.sort(rows[:-n]), np.sort(rows[-n:])) for rows, n in [({ranked}, max(1, {n}))]]"
        return code, ("import numpy as np",), ()
    code = f"[(np.sort(rows[a]), np.sort(rows[b])) for rows in [{ranked}] for a, b in TimeSeriesSplit({spec.n}).split(rows)]"
    return code, ("import numpy as np", "from sklearn.model_selection import TimeSeriesSplit"), ()


def _size(spec: SplitSpec) -> str:
    return repr(spec.size) if spec.size < 1 else str(int(spec.size))


def _rarest(by: np.ndarray | None) -> int:
    import numpy as np

    return int(np.unique(by, return_counts=True)[1].min()) if by is not None else 0


def _blocks(
    pairs: tuple[Split, ...], n_rows: int, by: np.ndarray | None, groups: np.ndarray | None, seed: int
) -> np.ndarray:
    """Refine the test folds into at most 64 blocks; rows of no test fold are one region of their own."""
    import numpy as np

    region = np.zeros(n_rows, dtype=np.int64)
    for i, pair in enumerate(pairs, 1):
        rows = pair.test.indices()
        region[rows[region[rows] == 0]] = i
    ids, region = np.unique(region, return_inverse=True)
    per = max(1, _BLOCKS // len(ids))
    rng = np.random.default_rng(seed)
    key = groups if groups is not None else rng.permutation(n_rows)
    order = np.lexsort((key, by if by is not None and groups is None else np.zeros(n_rows), region))
    place = np.empty(n_rows, dtype=np.int64)
    place[order] = np.arange(n_rows)
    within = groups if groups is not None else place
    return (region * per + within % per).astype(np.uint16)


def iter_blocks(block_of_row: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each block's number and its rows."""
    import numpy as np

    for block in np.unique(block_of_row):
        yield int(block), np.flatnonzero(block_of_row == block)
