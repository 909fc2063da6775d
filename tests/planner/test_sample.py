"""A table that a budget has no room for is used in part: always the same rows, nested, said, and switched off by a hint."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mileage.data.source import Database
from mileage.language import parse_query
from mileage.planner import LogicalPlan, bind, sample


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_FEWEST", 1000)


def planned(more: str, n: int = 20_000) -> LogicalPlan:
    """Return the plan of a query about a table of ``n`` rows in a file's order."""
    rng = np.random.default_rng(0)
    database = Database()
    database.register("t", pd.DataFrame({"i": np.arange(n), "x": rng.normal(size=n), "y": rng.normal(size=n)}))
    return bind(parse_query(f"PREDICT y FROM t {more}"), database)


def rows(plan: LogicalPlan) -> set[int]:
    """Return which rows a plan uses."""
    return {int(i) for (i,) in plan.dataset.database.rows(f"SELECT i FROM ({plan.dataset.relation_sql})")}


def test_all_rows_are_used_where_there_is_room() -> None:
    plan = planned("BUDGET 100 s")
    assert plan.dataset.n_rows == plan.setting.n_rows == 20_000
    assert not any("evenly spread" in a.text for a in plan.assumptions)


def test_a_short_budget_uses_a_part_and_says_so() -> None:
    plan = planned("BUDGET 1 s", n=200_000)
    used = rows(plan)
    assert 0 < len(used) == plan.dataset.n_rows == plan.setting.n_rows < 200_000
    [said] = [a for a in plan.assumptions if "evenly spread" in a.text]
    assert f"{len(used):,} of the 200,000 rows" in said.text
    assert said.clause == "HINT (rows = all)"
    parts = np.histogram(sorted(used), bins=10, range=(0, 200_000))[0]
    assert parts.max() < 1.1 * parts.min()


def test_the_sample_of_a_shorter_budget_is_part_of_a_longer_one() -> None:
    assert rows(planned("BUDGET 1 s", n=300_000)) < rows(planned("BUDGET 2 s", n=300_000))


def test_memory_limits_the_rows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_COPIES", 4000)
    assert planned("BUDGET 10 trials, 200 MB").dataset.n_rows < 3000


def test_the_hint_uses_all_rows() -> None:
    assert planned("BUDGET 1 s HINT (rows = ALL)", n=200_000).dataset.n_rows == 200_000
    assert planned("BUDGET 1 s HINT (rows = all)", n=200_000).dataset.n_rows == 200_000


def test_the_answer_is_fitted_on_more_rows_than_the_search_uses() -> None:
    plan = planned("BUDGET 1 s", n=400_000)
    assert plan.larger is not None
    more = {int(i) for (i,) in plan.dataset.database.rows(f"SELECT i FROM ({plan.larger.relation_sql})")}
    assert rows(plan) < more
    assert len(more) == plan.larger.n_rows < 400_000
    assert len(more) > 2 * len(rows(plan))
    [said] = [a for a in plan.assumptions if "evenly spread" in a.text]
    assert f"its answer is fitted on {len(more):,} if" in said.text


def test_the_answer_is_fitted_on_all_rows_where_there_is_time_for_it() -> None:
    plan = planned("BUDGET 1 s", n=60_000)
    assert plan.larger is not None
    assert plan.larger.n_rows == 60_000
    assert any("its answer is fitted on all" in a.text for a in plan.assumptions)


def test_memory_bounds_the_rows_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_COPIES", 4000)
    plan = planned("BUDGET 1 s, 200 MB", n=400_000)
    assert plan.dataset.n_rows < 3000
    assert plan.larger is None
