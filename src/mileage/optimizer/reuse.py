"""Load, compute or prune: the cheapest way to get what is wanted, given what is kept. Exact, by one minimum cut.

A task is *available* if it is computed or loaded; computing it needs its inputs available; loading needs nothing. The
choice of least total cost is a project selection problem and so a minimum cut (HELIX, Xin et al. 2018, OPT-EXEC-PLAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mileage.errors import InternalError
from mileage.optimizer.mincut import ENDLESS, Edge, source_side
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
    n = len(choices)
    selected = source_side(_edges(choices, *_costs(choices)), 2 * n + 2)
    available, computed = selected[0 : 2 * n : 2], selected[1 : 2 * n : 2]
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


def _costs(choices: Sequence[Choice]) -> tuple[list[int], list[int | None]]:
    """Return costs as whole numbers, small enough that a flow of all of them fits 32 bits; None is not kept."""
    total = sum(c.compute_s + (c.load_s or 0.0) for c in choices)
    unit = max(_UNIT_S, total / _LARGEST)
    return (
        [round(c.compute_s / unit) for c in choices],
        [None if c.load_s is None else round(c.load_s / unit) for c in choices],
    )


def _edges(choices: Sequence[Choice], compute: list[int], load: list[int | None]) -> list[Edge]:
    """Return the edges of the graph; 2i is "i is available", 2i + 1 "i is computed", then source and sink.

    Kept: being available costs the load, being computed instead costs the difference. Not kept: the one implies the
    other. What is wanted earns more than everything costs.
    """
    source, sink = 2 * len(choices), 2 * len(choices) + 1
    bonus = sum(compute) + sum(one or 0 for one in load) + 1
    edges: list[Edge] = []
    for i, choice in enumerate(choices):
        there, made, kept = 2 * i, 2 * i + 1, load[i]
        for point, profit in (
            (there, (bonus if choice.wanted else 0) - (kept or 0)),
            (made, (kept or 0) - compute[i]),
        ):
            if profit:
                edges.append((source, point, profit) if profit > 0 else (point, sink, -profit))
        edges.append((made, there, ENDLESS))
        if kept is None:
            edges.append((there, made, ENDLESS))
        for j in dict.fromkeys(choice.inputs):
            if j >= i:
                message = "the inputs of a task must come before it"
                raise InternalError(message)
            edges.append((made, 2 * j, ENDLESS))
    return edges
