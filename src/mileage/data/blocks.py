"""Blocks: each fold cut into small parts, so that samples and finer splits are unions of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from mileage.data.rowset import RowSet

TOTAL = 64


def deal_blocks(
    tests: Sequence[RowSet],
    n_rows: int,
    *,
    by: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, int]:
    """Return the block of each row, and how many blocks a region has: about 64 in all, numbered by region.

    A region is a first test set, or the rows of none. Within a region blocks are contiguous in time if there is an
    order, else whole groups stay together, else strata are alike in all blocks.
    """
    import numpy as np

    region = np.zeros(n_rows, dtype=np.int64)
    for i, rows in enumerate(tests, 1):
        at = rows.indices()
        region[at[region[at] == 0]] = i
    ids, region = np.unique(region, return_inverse=True)
    per = max(1, round(TOTAL / len(ids)))
    if order is not None:
        within = _contiguous(region, order, per)
    elif groups is not None:
        within = _whole_groups(region, groups, per, seed)
    else:
        within = _stratified(region, by, per, seed)
    blocks = region * per + within
    small: np.ndarray = blocks.astype(
        np.uint8 if len(ids) * per <= 256 else np.uint16 if len(ids) * per <= 65536 else np.uint32
    )
    return small, per


def _place(keys: Sequence[np.ndarray], region: np.ndarray) -> np.ndarray:
    """Return the place of each row in its region, sorted by ``keys`` (the first decides)."""
    import numpy as np

    order = np.lexsort((*reversed(keys), region))
    counts = np.bincount(region)
    place = np.empty(len(region), dtype=np.int64)
    place[order] = np.arange(len(region)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place


def _contiguous(region: np.ndarray, order: np.ndarray, per: int) -> np.ndarray:
    import numpy as np

    rank = np.empty(len(order), dtype=np.int64)
    rank[np.argsort(order, kind="stable")] = np.arange(len(order))
    counts = np.bincount(region)[region]
    blocks: np.ndarray = _place([rank], region) * per // counts
    return blocks


def _stratified(region: np.ndarray, by: np.ndarray | None, per: int, seed: int) -> np.ndarray:
    """Deal rows like cards, stratum after stratum."""
    import numpy as np

    shuffled = np.random.default_rng(seed).permutation(len(region))
    strata = np.zeros(len(region), dtype=np.int64) if by is None else np.unique(by, return_inverse=True)[1]
    return _place([strata, shuffled], region) % per


def _whole_groups(region: np.ndarray, groups: np.ndarray, per: int, seed: int) -> np.ndarray:
    """Give the largest group that is left to the smallest block of its region."""
    import heapq

    import numpy as np

    codes = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    pairs, row_pair, sizes = np.unique(region * (codes.max() + 1) + codes, return_inverse=True, return_counts=True)
    pair_region = pairs // (codes.max() + 1)
    tie = np.random.default_rng(seed).permutation(len(pairs))
    heaps = {int(r): [(0, block) for block in range(per)] for r in np.unique(pair_region)}
    chosen = np.empty(len(pairs), dtype=np.int64)
    for i in np.lexsort((tie, -sizes)):
        heap = heaps[int(pair_region[i])]
        filled, block = heap[0]
        heapq.heapreplace(heap, (filled + int(sizes[i]), block))
        chosen[i] = block
    return chosen[row_pair]


def iter_blocks(block_of_row: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each block's number and its rows, ascending.

    Examples
    --------
    >>> import numpy as np
    >>> [(block, rows.tolist()) for block, rows in iter_blocks(np.array([0, 1, 0]))]
    [(0, [0, 2]), (1, [1])]
    """
    import numpy as np

    order = np.argsort(block_of_row, kind="stable")
    ids, starts = np.unique(block_of_row[order], return_index=True)
    for block, rows in zip(ids, np.split(order, starts[1:]), strict=True):
        yield int(block), rows
