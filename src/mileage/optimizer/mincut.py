"""The minimum cut of a graph: small ones in plain Python, before a library for large ones could be imported.

Of all minimum cuts it is the one with the fewest points on the source's side, whoever computes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

ENDLESS = 2**31 - 1
_SMALL = 300  # points; beyond, importing scipy costs less than Python's loops
Edge = tuple[int, int, int]


def source_side(edges: Sequence[Edge], n_points: int) -> list[bool]:
    """Return for each point whether it lies on the source's side; the last two points are source and sink.

    Parameters
    ----------
    edges : sequence of (from, to, capacity)
        Capacities are whole numbers below 2**31; no two edges join the same points in the same direction.
    n_points : int

    References
    ----------
    Edmonds & Karp 1972: shortest augmenting paths.

    Examples
    --------
    >>> source_side([(1, 0, 3), (0, 2, 5)], 3), source_side([(1, 0, 5), (0, 2, 3)], 3)
    ([False, True, False], [True, True, False])
    """
    return _by_paths(edges, n_points) if n_points <= _SMALL else _by_library(edges, n_points)


def _by_paths(edges: Sequence[Edge], n_points: int) -> list[bool]:
    rest: list[dict[int, int]] = [{} for _ in range(n_points)]  # what more may flow, by the point it flows to
    for tail, head, capacity in edges:
        rest[tail][head] = rest[tail].get(head, 0) + capacity
        rest[head].setdefault(tail, 0)
    source, sink = n_points - 2, n_points - 1
    while True:
        before = _reached(rest, source, sink)
        if sink not in before:
            return [point in before for point in range(n_points)]
        path, point = [], sink
        while point != source:
            path.append((before[point], point))
            point = before[point]
        amount = min(rest[tail][head] for tail, head in path)
        for tail, head in path:
            rest[tail][head] -= amount
            rest[head][tail] += amount


def _reached(rest: list[dict[int, int]], source: int, sink: int) -> dict[int, int]:
    """Return the points that something may still flow to, nearest first, each with the point before it."""
    before, waiting = {source: source}, deque([source])
    while waiting and sink not in before:
        point = waiting.popleft()
        for head, amount in rest[point].items():
            if amount > 0 and head not in before:
                before[head] = point
                waiting.append(head)
    return before


def _by_library(edges: Sequence[Edge], n_points: int) -> list[bool]:
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    tails, heads, sizes = np.array(edges, dtype=np.int64).T
    capacity = csr_array((sizes.astype(np.int32), (tails, heads)), shape=(n_points, n_points))
    rest = capacity - maximum_flow(capacity, n_points - 2, n_points - 1).flow
    rest.data = np.where(rest.data > 0, 1, 0)
    rest.eliminate_zeros()
    side = np.zeros(n_points, dtype=bool)
    side[breadth_first_order(rest, n_points - 2, return_predecessors=False)] = True
    return list(side.tolist())
