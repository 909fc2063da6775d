"""The score to expect of an answer: it is fitted on more rows than the models that its score is of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.session.growth import further


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(600, 5)), columns=list("abcde"))
    rows["y"] = np.sin(2 * rows["a"]) * rows["b"] + rows["c"] + rng.normal(0, 0.3, size=600)
    path = tmp_path / "rows.parquet"
    rows.to_parquet(path)
    return path


def ask(session, table, rest):
    return session.run(f"PREDICT y FROM '{table}' {rest}")


def test_more_rows_bring_less_and_less():
    times = np.linspace(1, 8, 50)
    steps = np.diff([further(t) for t in times])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_an_answer_should_reach_more_than_the_models_of_its_folds(tmp_path, table):
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table, "WITHOUT catboost VALIDATE BY 3 FOLDS BUDGET 8 trials, 60 s")
        first = made.trial("w1")
        assert first.expected is not None
        assert first.expected < first.mean("rmse")
        assert f"w1 should reach rmse {first.expected:.4g}" in made.text()
        assert [t.expected for t in made.leaderboard.ranked[1:]] == [None] * (len(made.leaderboard.ranked) - 1)
        told = first.mean("rmse"), first.expected
    with mileage.connect(tmp_path / "p") as session:
        again = session.result("q1").trial("w1")
        assert (again.mean("rmse"), again.expected) == told


@pytest.mark.parametrize(
    "rest",
    [
        "WITH PIPELINE = ridge BUDGET 9 trials, 60 s",
        "BUDGET 3 trials, 60 s",
        "VALIDATE ON '{table}' BUDGET 9 trials, 60 s",
    ],
)
def test_it_is_not_asked_where_there_is_no_search_or_no_row_is_left_out(tmp_path, table, rest):
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table, rest.format(table=table))
        assert made.trial("w1").expected is None
        assert "should reach" not in made.text()
