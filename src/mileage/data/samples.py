"""Samples: nested, pinned and stratified, as unions of blocks of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mileage.data.splits import RowSet, Splits

if TYPE_CHECKING:
    import numpy as np


def nested_sample(splits: Splits, fraction: float, *, seed: int = 0) -> RowSet:
    """Return about ``fraction`` of the rows as whole blocks; a smaller sample is part of every larger one.

    Blocks are stratified and lie within one fold, so a sample cuts through all folds alike.

    Examples
    --------
    >>> from mileage.data.splits import SplitSpec, deal
    >>> splits = deal(SplitSpec(n=4), n_rows=640)
    >>> small, large = nested_sample(splits, 0.25), nested_sample(splits, 0.5)
    >>> small.issubset(large), round(large.n / 640, 2)
    (True, 0.5)
    """
    import numpy as np

    blocks = splits.block_of_row
    ids = np.unique(blocks)
    order = np.random.default_rng(seed).permutation(ids)
    chosen = order[: max(1, math.ceil(fraction * len(ids)))]
    rows: np.ndarray = np.flatnonzero(np.isin(blocks, chosen))
    return RowSet.of(rows, len(blocks))
