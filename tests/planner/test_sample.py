"""A table that a budget has no room for is used in part: always the same rows, nested, said, and switched off by a hint."""

from __future__ import annotations

import itertools

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


def test_the_answer_may_be_fitted_on_more_and_more_rows() -> None:
    plan = planned("BUDGET 1 s", n=400_000)
    parts = [
        {int(i) for (i,) in plan.dataset.database.rows(f"SELECT i FROM ({one.relation_sql})")}
        for one in (plan.dataset, *plan.larger)
    ]
    assert [len(part) for part in parts[1:]] == [one.n_rows for one in plan.larger]
    assert all(few < many for few, many in itertools.pairwise(parts))
    assert all(0.5 <= len(few) / len(many) <= 1 / 1.3 for few, many in itertools.pairwise(parts[1:]))
    assert len(parts[-1]) == 400_000
    [said] = [a for a in plan.assumptions if "evenly spread" in a.text]
    assert "its answer is fitted on as many as time allows, all at most" in said.text


def test_a_table_a_little_larger_than_what_is_searched_has_one_larger_part() -> None:
    few = planned("BUDGET 1 s", n=400_000).dataset.n_rows
    [whole] = planned("BUDGET 1 s", n=int(1.5 * few)).larger
    assert whole.n_rows == int(1.5 * few)
    assert planned("BUDGET 1 s", n=int(1.2 * few)).larger == ()


def test_memory_bounds_the_rows_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_COPIES", 4000)
    plan = planned("BUDGET 1 s, 200 MB", n=400_000)
    assert plan.dataset.n_rows < 3000
    assert plan.larger == ()
