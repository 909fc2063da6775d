"""Samples: nested, pinned and stratified, as unions of blocks of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mileage.core.fingerprint import derive_seed
from mileage.data.rowset import RowSet
from mileage.data.splits import Splits
from mileage.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def nested_sample(
    splits: Splits | int, fraction: float, *, seed: int = 0, y: np.ndarray | None = None, keys: np.ndarray | None = None
) -> RowSet:
    """Return about ``fraction`` of the rows; a smaller sample is part of every larger one of the same seed.

    Parameters
    ----------
    splits : Splits or int
        Dealt rows: then a sample is whole blocks, an equal number from every fold, so that groups stay whole and
        strata alike. Or the number of rows of a table.
    fraction : float
        In (0, 1].
    seed : int
    y : array of shape (n_rows,), optional
        Codes to stratify by, where ``splits`` is a number of rows.
    keys : array of shape (n_rows,), optional
        A key of each row: then whether a row is in depends on its key and the seed only, so that a sample survives
        new and reordered rows.

    Examples
    --------
    >>> from mileage.data.splits import SplitSpec, deal
    >>> splits = deal(SplitSpec(n=4), n_rows=640)
    >>> small, large = nested_sample(splits, 0.25), nested_sample(splits, 0.5)
    >>> small.issubset(large), round(large.n / 640, 2)
    (True, 0.5)
    """
    if not 0 < fraction <= 1:
        raise DataError(f"a sample of {fraction:g} of the rows", code="D432", hint="give a share above 0 and up to 1")
    if keys is not None:
        return _by_key(keys, fraction, seed)
    if isinstance(splits, int):
        return _by_rows(splits, fraction, seed, y)
    return _by_blocks(splits, fraction, seed)


def _by_blocks(splits: Splits, fraction: float, seed: int) -> RowSet:
    """Take blocks in one shuffled order that goes round the folds."""
    import numpy as np

    blocks = splits.block_of_row
    ids = np.unique(blocks)
    rng = np.random.default_rng(derive_seed(seed, "sample"))
    # Blocks of one fold are numbered one after another: the k-th of each fold comes before the k+1-th of any.
    folds = max(1, len(splits.pairs)) if len(ids) % max(1, len(splits.pairs)) == 0 else 1
    rounds = np.stack([rng.permutation(part) for part in np.split(ids, folds)])
    order = np.concatenate([rng.permutation(column) for column in rounds.T])
    return RowSet.where(np.isin(blocks, order[: max(1, math.ceil(fraction * len(ids) - 1e-9))]))


def _by_rows(n_rows: int, fraction: float, seed: int, y: np.ndarray | None) -> RowSet:
    """Take a prefix of an order in which each stratum is spread evenly."""
    import numpy as np

    shuffled = np.random.default_rng(derive_seed(seed, "sample")).permutation(n_rows)
    position = np.empty(n_rows)
    position[shuffled] = np.arange(n_rows)
    if y is not None:
        codes = np.unique(y, return_inverse=True)[1]
        order = np.lexsort((position, codes))
        counts = np.bincount(codes)
        within = np.arange(n_rows) - np.repeat(np.cumsum(counts) - counts, counts)
        spread = np.empty(n_rows)
        spread[order] = (within + 0.5) / np.repeat(counts, counts)
        position = spread * n_rows + position / (n_rows + 1)
    first = np.argsort(position, kind="stable")[: max(1, math.ceil(fraction * n_rows - 1e-9))]
    return RowSet.of(first, n_rows)


def _by_key(keys: np.ndarray, fraction: float, seed: int) -> RowSet:
    import numpy as np
    from blake3 import blake3

    salt = derive_seed(seed, "key").to_bytes(8, "little")
    unique, inverse = np.unique(keys.astype(str), return_inverse=True)
    places = np.array(
        [(int.from_bytes(blake3(salt + k.encode()).digest(length=8), "little") >> 11) / 2**53 for k in unique]
    )
    return RowSet.where((places < fraction)[inverse])
