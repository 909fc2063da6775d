"""How many folds are assumed: fewer where a usual model would take much of the time, and never one part for a rare class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mileage.data.source import Database
from mileage.language import parse_query
from mileage.planner import LogicalPlan, bind


def planned(more: str, *, n: int = 60_000, rare: int | None = None) -> LogicalPlan:
    """Return the plan of a query about a table of 20 numbers, its target a number, or a class of which ``rare`` rows are."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 20)), columns=[f"x{i}" for i in range(20)])
    y = frame["x0"] if rare is None else np.where(np.arange(n) < rare, "yes", "no")
    database = Database()
    database.register("t", frame.assign(y=y))
    return bind(parse_query(f"PREDICT y FROM t {more}"), database)


@pytest.mark.parametrize(
    ("seconds", "method", "n"),
    [(60, "folds", 5), (8, "folds", 3), (1, "holdout", 1)],
    ids=["long", "short", "shortest"],
)
def test_a_short_budget_deals_less(seconds: int, method: str, n: int) -> None:
    plan = planned(f"BUDGET {seconds} s")
    assert (plan.validation.method, plan.validation.n_splits) == (method, n)
    [said] = [a.text for a in plan.assumptions if "are scored" in a.text]
    assert ("more would take much of the" in said) == (n < 5)


def test_a_rare_class_is_in_every_fold() -> None:
    plan = planned("BUDGET 1 s", rare=50)
    assert (plan.validation.method, plan.validation.n) == ("folds", 3)
    assert planned("BUDGET 1 s", rare=2).validation.n == 2


def test_who_says_how_is_heard() -> None:
    assert planned("VALIDATE BY 5 FOLDS BUDGET 1 s").validation.n == 5
    assert planned("BUDGET 20 trials").validation.n == 5
