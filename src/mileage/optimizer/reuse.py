"""Load, compute or prune: the cheapest way to get what is wanted, given what is kept. Exact, by one minimum cut.

A task is *available* if it is computed or loaded; computing it needs its inputs available; loading needs nothing. The
choice of least total cost is a project selection problem and so a minimum cut (HELIX, Xin et al. 2018, OPT-EXEC-PLAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mileage.errors import InternalError
from mileage.workflow.plan import Action

_UNIT_S = 1e-4
_LARGEST = 2**28


@dataclass(frozen=True, slots=True)
class Choice:
    """One task as the planner sees it.

    ``load_s`` is None where nothing is kept; ``inputs`` are positions of earlier choices; ``wanted`` is asked for.
    """

    compute_s: float
    load_s: float | None = None
    inputs: tuple[int, ...] = ()
    wanted: bool = False


def choose_actions(choices: Sequence[Choice]) -> list[Action]:
    """Return the action of each task, such that all that is wanted is available at the least total cost.

    Parameters
    ----------
    choices : sequence of Choice
        In topological order: inputs come first.

    Returns
    -------
    list of Action, shape (n_tasks,)
        Costs count in steps of 0.1 ms; where that matters, in 2**28 steps over all of the plan.

    Raises
    ------
    InternalError
        If an input does not come before its task.

    References
    ----------
    Xin et al. 2018, "HELIX: Holistic optimization for accelerating iterative machine learning", section 5.

    Examples
    --------
    >>> plan = [Choice(10.0, 0.1), Choice(2.0, None, (0,)), Choice(1.0, None, (1,), wanted=True)]
    >>> [str(action) for action in choose_actions(plan)]
    ['load', 'compute', 'compute']
    """
    if not choices:
        return []
    compute, load = _costs(choices)
    graph = _graph(choices, compute, load)
    selected = _source_side(graph, 2 * len(choices) + 2)
    available, computed = selected[0 : 2 * len(choices) : 2], selected[1 : 2 * len(choices) : 2]
    return [
        Action.COMPUTE if made else Action.LOAD if there else Action.PRUNE
        for there, made in zip(available, computed, strict=True)
    ]


def cost_of(choices: Sequence[Choice], actions: Sequence[Action]) -> float:
    """Return the seconds of a plan; infinite if it cannot run or lacks what is wanted."""
    total = 0.0
    for choice, action in zip(choices, actions, strict=True):
        if action is Action.PRUNE:
            if choice.wanted:
                return float("inf")
        elif action is Action.LOAD:
            total += float("inf") if choice.load_s is None else choice.load_s
        else:
            if any(actions[i] is Action.PRUNE for i in choice.inputs):
                return float("inf")
            total += choice.compute_s
    return total


def _costs(choices: Sequence[Choice]) -> tuple[np.ndarray, np.ndarray]:
    """Return costs as whole numbers, small enough that a flow of all of them fits 32 bits; -1 is not kept."""
    compute = np.array([c.compute_s for c in choices], dtype=float)
    load = np.array([-1.0 if c.load_s is None else c.load_s for c in choices], dtype=float)
    total = float(compute.sum() + load[load > 0].sum())
    unit = max(_UNIT_S, total / _LARGEST)
    return np.rint(compute / unit).astype(np.int64), np.where(load < 0, -1, np.rint(load / unit)).astype(np.int64)


def _graph(choices: Sequence[Choice], compute: np.ndarray, load: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the edges ``(from, to, capacity)``; 2i is "i is available", 2i + 1 "i is computed".

    Kept: being available costs the load, being computed instead costs the difference. Not kept: the one implies the
    other. What is wanted earns more than everything costs.
    """
    n = len(choices)
    source, sink = 2 * n, 2 * n + 1
    kept = load >= 0
    bonus = int(compute.sum() + load[kept].sum()) + 1
    wanted = np.fromiter((c.wanted for c in choices), dtype=bool, count=n)
    profit = np.zeros(2 * n, dtype=np.int64)
    profit[0::2] = np.where(kept, -load, 0) + np.where(wanted, bonus, 0)
    profit[1::2] = np.where(kept, load, 0) - compute
    gains, losses = np.flatnonzero(profit > 0), np.flatnonzero(profit < 0)
    own = np.arange(n)
    free = own[~kept]
    readers = np.fromiter((i for i, c in enumerate(choices) for _ in c.inputs), dtype=np.int64)
    inputs = np.fromiter((j for c in choices for j in c.inputs), dtype=np.int64)
    if np.any(inputs >= readers):
        message = "the inputs of a task must come before it"
        raise InternalError(message)
    endless = np.iinfo(np.int32).max
    tails = [np.full(len(gains), source), losses, 2 * own + 1, 2 * free, 2 * readers + 1]
    heads = [gains, np.full(len(losses), sink), 2 * own, 2 * free + 1, 2 * inputs]
    sizes = [profit[gains], -profit[losses], *(np.full(len(part), endless) for part in tails[2:])]
    return np.concatenate(tails), np.concatenate(heads), np.concatenate(sizes)


def _source_side(graph: tuple[np.ndarray, ...], n: int) -> np.ndarray:
    """Return which points lie on the source's side of the minimum cut: what the rest of the capacities reaches."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    tails, heads, sizes = graph
    capacity = csr_array((sizes.astype(np.int32), (tails, heads)), shape=(n, n))
    flow = maximum_flow(capacity, n - 2, n - 1).flow
    rest = capacity - flow
    rest.data = np.where(rest.data > 0, 1, 0)
    rest.eliminate_zeros()
    side = np.zeros(n, dtype=bool)
    side[breadth_first_order(rest, n - 2, return_predecessors=False)] = True
    return side
