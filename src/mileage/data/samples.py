"""Samples: nested, pinned and stratified, as unions of blocks of rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.fingerprint import derive_seed
from mileage.data.rowset import RowSet
from mileage.data.splits import Split, Splits
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
        strata alike; a sample of less than a block a fold is a part of those blocks' rows. Or the number of rows of a
        table.
    fraction : float
        In (0, 1].
    seed : int
    y : array of shape (n_rows,), optional
        Codes to stratify by, where ``splits`` is a number of rows.
    keys : array of shape (n_rows,), optional
        A key of each row: then whether a row is in depends on its key and the seed only, so that a sample survives
        new and reordered rows. With ``y`` besides, about the same rows, and the exact share of each class.

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
        places = row_places(keys, seed)
        return RowSet.where(places < fraction) if y is None else RowSet.where(_spread(places, y) < fraction)
    if isinstance(splits, int):
        return _by_rows(splits, fraction, seed, y)
    return _by_blocks(splits, fraction, seed)


def sampled(splits: Splits, fraction: float, *, seed: int = 0, keys: np.ndarray | None = None) -> Splits:
    """Return the same splits with fewer train rows; the test rows stay, so that scores compare at any fraction.

    Parameters
    ----------
    splits : Splits
    fraction : float
        About this share of the train rows is kept, nested as in :func:`nested_sample`.
    seed : int
    keys : array of shape (n_rows,), optional
        Keys to pin the sample to.

    Raises
    ------
    DataError
        If a split would have no train rows.

    Examples
    --------
    >>> from mileage.data.splits import SplitSpec, deal
    >>> splits = deal(SplitSpec(n=4), n_rows=640)
    >>> small = sampled(splits, 0.25)
    >>> [(pair.train.n, pair.test.n) for pair in small.pairs][0], small.pairs[0].train.issubset(splits.pairs[0].train)
    ((120, 160), True)
    """
    rows = nested_sample(splits, fraction, seed=seed, keys=keys)
    pairs = tuple(Split(_within(pair.train, rows), pair.test) for pair in splits.pairs)
    if any(pair.train.n == 0 for pair in pairs):
        message = f"a sample of {fraction:g} of the rows leaves a split without train rows"
        raise DataError(message, code="D432", hint="give a larger share")
    return replace(splits, pairs=pairs)


def _within(train: RowSet, rows: RowSet) -> RowSet:
    """Return the train rows in a sample; of a multiset as often as they were drawn."""
    if train.drawn is None:
        return train.intersection(rows)
    return RowSet.of(train.drawn[rows.mask()[train.drawn]], train.n_rows, multiset=True)


def _by_blocks(splits: Splits, fraction: float, seed: int) -> RowSet:
    """Take blocks in one shuffled order that goes round the regions: the k-th of each before the k+1-th of any."""
    import numpy as np

    blocks, rng = splits.block_of_row, np.random.default_rng(derive_seed(seed, "sample"))
    ids = np.unique(blocks)  # those with rows: a small table does not fill all
    regions = ids // splits.blocks_a_region
    shuffled = rng.permutation(len(ids))
    place = np.empty(len(ids), dtype=np.int64)
    for region in np.unique(regions):
        own = shuffled[regions[shuffled] == region]
        place[own] = np.arange(len(own))
    order = ids[shuffled[np.argsort(place[shuffled], kind="stable")]]
    n_regions, wanted = len(np.unique(regions)), fraction * len(ids)
    if wanted >= n_regions:
        return RowSet.where(np.isin(blocks, order[: math.ceil(wanted - 1e-9)]))
    return _part_of(blocks, order[:n_regions], wanted / n_regions, rng)


def _part_of(blocks: np.ndarray, chosen: np.ndarray, share: float, rng: np.random.Generator) -> RowSet:
    """Take a share of the rows of each chosen block, and at least one; a smaller share is part of a larger one."""
    import numpy as np

    row_order = rng.permutation(len(blocks))
    kept = []
    for block in chosen:
        rows = row_order[blocks[row_order] == block]
        kept.append(rows[: max(1, math.ceil(share * len(rows) - 1e-9))])
    return RowSet.of(np.concatenate(kept), len(blocks))


def row_places(keys: np.ndarray, seed: int) -> np.ndarray:
    """Return a number in [0, 1) for each key, the same wherever and whenever the key is met.

    Examples
    --------
    >>> import numpy as np
    >>> some, more = np.array([7, 8]), np.array([9, 8, 7])
    >>> bool((row_places(some, 1) == row_places(more, 1)[::-1][:2]).all())
    True
    """
    import numpy as np
    from blake3 import blake3

    salt = derive_seed(seed, "key")
    keys = keys.view(np.int64) if keys.dtype.kind in "mM" else keys
    if keys.dtype.kind in "iu":
        return _mixed(keys.astype(np.uint64) ^ np.uint64(salt & (2**64 - 1)))
    prefix = salt.to_bytes(8, "little")
    unique, inverse = np.unique(keys.astype(str), return_inverse=True)
    places = [(int.from_bytes(blake3(prefix + k.encode()).digest(length=8), "little") >> 11) / 2**53 for k in unique]
    return np.array(places)[inverse]


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Return whole numbers as evenly spread ones in [0, 1): the finalizer of SplitMix64 (Steele et al. 2014)."""
    import numpy as np

    with np.errstate(over="ignore"):
        z = numbers + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / np.float64(2**53)


def _spread(position: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each row its rank by ``position`` within its stratum, in (0, 1)."""
    import numpy as np

    codes = np.unique(y, return_inverse=True)[1]
    order = np.lexsort((position, codes))
    counts = np.bincount(codes)
    within = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = np.empty(len(codes))
    spread[order] = (within + 0.5) / np.repeat(counts, counts)
    return spread


def _by_rows(n_rows: int, fraction: float, seed: int, y: np.ndarray | None) -> RowSet:
    """Take a prefix of an order in which each stratum is spread evenly."""
    import numpy as np

    shuffled = np.random.default_rng(derive_seed(seed, "sample")).permutation(n_rows)
    position = np.empty(n_rows)
    position[shuffled] = np.arange(n_rows)
    if y is not None:
        position = _spread(position, y) * n_rows + position / (n_rows + 1)
    first = np.argsort(position, kind="stable")[: max(1, math.ceil(fraction * n_rows - 1e-9))]
    return RowSet.of(first, n_rows)
