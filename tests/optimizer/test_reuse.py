"""The planner of reuse is exact: it agrees with the best of all assignments."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mileage.errors import InternalError
from mileage.optimizer import mincut
from mileage.optimizer.reuse import Choice, choose_actions, cost_of
from mileage.workflow import Action


def _random_plan(rng, n):
    made = []
    for i in range(n):
        inputs = tuple(int(j) for j in range(i) if rng.random() < 0.35)
        load = round(float(rng.exponential(2.0)), 4) if rng.random() < 0.5 else None
        made.append(Choice(round(float(rng.exponential(2.0)), 4), load, inputs, wanted=bool(rng.random() < 0.25)))
    return made


def _best(choices):
    return min(cost_of(choices, actions) for actions in product(Action, repeat=len(choices)))


@pytest.mark.parametrize("seed", range(40))
def test_no_assignment_is_cheaper(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        choices = _random_plan(rng, int(rng.integers(1, 8)))
        assert cost_of(choices, choose_actions(choices)) == pytest.approx(_best(choices), abs=1e-9)


@pytest.mark.slow
def test_no_assignment_is_cheaper_in_ten_thousand_plans():
    rng = np.random.default_rng(0)
    for _ in range(10_000):
        choices = _random_plan(rng, int(rng.integers(1, 8)))
        assert cost_of(choices, choose_actions(choices)) == pytest.approx(_best(choices), abs=1e-9)


@pytest.mark.parametrize("n", [5, 30, 70])
def test_small_and_large_plans_are_cut_alike(n, monkeypatch):
    rng = np.random.default_rng(n)
    plans = [_random_plan(rng, n) for _ in range(20)]
    in_python = [choose_actions(plan) for plan in plans]
    monkeypatch.setattr(mincut, "_SMALL", 0)
    assert [choose_actions(plan) for plan in plans] == in_python


def test_a_shared_ancestor_is_paid_once():
    # each child alone would rather be loaded; together they pay for the ancestor
    choices = [
        Choice(5.0),
        Choice(0.1, 3.0, (0,), wanted=True),
        Choice(0.1, 3.0, (0,), wanted=True),
    ]
    assert choose_actions(choices) == [Action.COMPUTE] * 3


def test_what_nobody_needs_is_pruned():
    assert choose_actions([Choice(1.0, 0.1), Choice(1.0, 0.1, (0,), wanted=True)]) == [Action.PRUNE, Action.LOAD]
    assert choose_actions([Choice(1.0, 0.1)]) == [Action.PRUNE]
    assert choose_actions([]) == []


def test_a_large_plan_of_long_tasks_fits_the_flow():
    n = 5000
    choices = [Choice(3600.0, 10.0 if i % 3 == 0 else None, (i - 1,) if i else (), wanted=i == n - 1) for i in range(n)]
    actions = choose_actions(choices)
    assert actions.count(Action.LOAD) == 1 and actions[-3:].count(Action.COMPUTE) == 1


def test_inputs_come_first():
    with pytest.raises(InternalError, match="before it"):
        choose_actions([Choice(1.0, None, (1,)), Choice(1.0)])
