"""The bound of the iteration benchmark is what brute force finds."""

from __future__ import annotations

import importlib.util
import itertools
import random
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "iteration" / "bound.py"


@pytest.fixture(scope="module")
def bound():
    spec = importlib.util.spec_from_file_location("iteration_bound", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def brute_force(tasks, versions, quota):
    """Return the least seconds over all that may be computed in each version, and kept after it."""
    best = {frozenset(): 0.0}
    for version in versions:
        after = {}
        for kept, spent in best.items():
            for n in range(len(version) + 1):
                for made in map(set, itertools.combinations(version, n)):
                    there = made | kept
                    if version[-1] not in there or any(i not in there for task in made for i in tasks[task].inputs):
                        continue
                    cost = spent + sum(tasks[task].seconds for task in made)
                    for size in range(len(there) + 1):
                        for left in map(frozenset, itertools.combinations(sorted(there), size)):
                            if sum(tasks[task].size_bytes for task in left) <= quota:
                                after[left] = min(cost, after.get(left, cost))
        best = after
    return min(best.values())


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_the_optimum_of_small_traces(bound, seed):
    rng = random.Random(seed)
    tasks, versions, params = {}, [], [0, 0, 0]
    for number in range(3):
        names, before = [], ()
        for i, param in enumerate(params):
            name = f"{i}|{params[: i + 1] if i < 2 else [params[0], param]}"
            inputs = before if i < 2 else (names[0],)
            tasks.setdefault(name, bound.Made(rng.randint(1, 9), inputs, rng.randint(1, 5)))
            names.append(name)
            before = (name,)
        report = f"report|{params}"
        tasks.setdefault(report, bound.Made(1.0, (names[1], names[2]), 1))
        versions.append([*names, report])
        params[rng.randrange(3)] = number + 1
    for quota in (0, 3, 6, 100):
        assert bound.least_seconds(tasks, versions, quota) == pytest.approx(
            brute_force(tasks, versions, quota), abs=1e-3
        )
