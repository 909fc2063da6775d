"""A search in a part of a table: its answer is fitted on more rows, wherever it is used, and scored on those of the search."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.planner import sample
from mileage.session import data_tasks, more_rows


@pytest.fixture(autouse=True)
def _searched_in_500_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_FEWEST", 500)
    monkeypatch.setattr(sample, "_SHARE", 1e-9)


@pytest.fixture
def table(tmp_path):
    """A table in which the level of each group shows in all rows only, and a class that is in one row only."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=5000), "g": rng.integers(0, 40, size=5000).astype(str)})
    rows["y"] = rows["x"] + rows["g"].astype(int) % 7 + rng.normal(0, 0.1, size=5000)
    rows["c"] = np.where(rows["x"] > 0, "up", "down")
    rows.loc[0, "c"] = "once"
    path = tmp_path / "rows.parquet"
    rows.to_parquet(path)
    return path


def ask(session, table, target="y", workflow="one_hot >> ridge", more=""):
    return session.run(
        f"PREDICT {target} FROM '{table}' EXCLUDING {'c' if target == 'y' else 'y'} WITH PIPELINE = {workflow} BUDGET 3 trials, 60 s {more}"
    )


def test_the_answer_is_that_of_a_fit_on_all_rows(tmp_path, table):
    with mileage.connect(tmp_path / "p") as session:
        part, whole = ask(session, table), ask(session, table, more="HINT (rows = all)")
        assert part.plan.dataset.n_rows < 600
        assert part.plan.larger[-1].n_rows == whole.plan.dataset.n_rows == 5000
        rows = pd.read_parquet(table).head(50)
        np.testing.assert_allclose(part["w1"].predict(rows), whole["w1"].predict(rows), rtol=1e-12)
        np.testing.assert_allclose(part["w1"].to_sklearn().predict(rows), whole["w1"].predict(rows), rtol=1e-9)


def test_it_is_on_record_which_workflow_is_fitted_on_more_rows(tmp_path, table):
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table)
        assert [t.fitted_rows for t in made.leaderboard.ranked] == [5000, None]
        assert any("is fitted on 5,000 rows" in note for note in made.notes)
        before = made["w1"].predict(pd.read_parquet(table).head(5))
    with mileage.connect(tmp_path / "p") as session:
        again = session.result("q1")
        assert again.trial("w1").fitted_rows == 5000
        np.testing.assert_array_equal(again["w1"].predict(pd.read_parquet(table).head(5)), before)


def test_where_there_is_no_time_for_more_rows_the_answer_is_fitted_on_those_of_the_search(tmp_path, table, monkeypatch):
    monkeypatch.setattr(more_rows, "_READ_CELL_S", 1.0)
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table)
        assert made.trial("w1").fitted_rows is None
        assert made.refit[made.trial("w1").number]
        assert not any("is fitted on" in note for note in made.notes)


def test_if_fitting_on_more_rows_fails_the_answer_is_fitted_on_those_of_the_search(tmp_path, table, monkeypatch):
    monkeypatch.setattr(
        data_tasks.SessionData, "of", classmethod(lambda cls, plan: cls({str(plan.dataset.fingerprint): plan.dataset}))
    )
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table)
        assert made.trial("w1").fitted_rows is None
        assert made.refit[made.trial("w1").number]
        assert any("could not be fitted on 5,000 rows" in note for note in made.notes)


def test_a_class_that_the_search_has_not_seen_is_left_out(tmp_path, table):
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table, "c", "one_hot >> logistic")
        assert set(made["w1"].classes) == {"up", "down"}
        assert set(made["w1"].predict(pd.read_parquet(table).head(20))) == {"up", "down"}


def test_a_run_is_replayed_with_the_rows_of_its_answer(tmp_path, table):
    with mileage.connect(tmp_path / "p") as session:
        report = ask(session, table).replay()
    assert report.data["answer"] == {"exactness": "bitwise", "off": 0.0}


@pytest.mark.parametrize(("target", "workflow"), [("y", "one_hot >> ridge"), ("c", "one_hot >> logistic")])
def test_a_script_fits_the_rows_of_the_answer(tmp_path, table, target, workflow):
    path = tmp_path / "script.py"
    with mileage.connect(tmp_path / "p") as session:
        made = ask(session, table, target, workflow)
        made["w1"].script(str(path))
        expected = made["w1"].predict(pd.read_parquet(table).head(3))
    assert "FIT_SQL" in path.read_text()
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True, cwd=tmp_path)
    [line] = [one for one in done.stdout.splitlines() if one.startswith("first predictions:")]
    assert len(line.split()) == 5
    namespace = {"__name__": "script"}
    exec(path.read_text(), namespace)
    model = namespace["fit"]()
    said = namespace["predict"](model, pd.read_parquet(table).head(3))
    if target == "y":
        np.testing.assert_allclose(said, expected, rtol=1e-9)
    else:
        assert list(said) == list(expected)


def _only_alone(monkeypatch):
    """Let only single models have the time to be fitted on more rows."""
    usual = more_rows.seconds_on
    monkeypatch.setattr(
        more_rows, "seconds_on", lambda loop, t, larger: 1e9 if more_rows.n_models(t) > 1 else usual(loop, t, larger)
    )


@pytest.fixture
def noisy(tmp_path):
    """A table on which different models err differently, so that a blend is better than each."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(5000, 6)), columns=list("abcdef"))
    rows["y"] = (
        np.sin(2 * rows["a"]) + 0.5 * rows["b"] * rows["c"] + rows[list("def")].sum(axis=1) + rng.normal(size=5000)
    )
    path = tmp_path / "noisy.parquet"
    rows.to_parquet(path)
    return path


def ask_freely(session, table):
    return session.run(f"PREDICT y FROM '{table}' WITHOUT catboost BUDGET 12 trials, 60 s")


def test_the_best_is_not_blended_where_rows_are_worth_more_than_a_blend(tmp_path, noisy, monkeypatch):
    _only_alone(monkeypatch)
    monkeypatch.setattr(more_rows, "worth_of_rows", lambda *_: 1e3)
    with mileage.connect(tmp_path / "p") as session:
        made = ask_freely(session, noisy)
        assert made.trial("single") == made.trial("w1")
        assert made.trial("w1").fitted_rows == 5000
        assert any("the best were not blended" in n and "from 5,000" in n for n in made.notes)


def test_the_best_are_blended_where_rows_are_worth_less(tmp_path, noisy, monkeypatch):
    _only_alone(monkeypatch)
    monkeypatch.setattr(more_rows, "worth_of_rows", lambda *_: 1e-9)
    with mileage.connect(tmp_path / "p") as session:
        made = ask_freely(session, noisy)
        assert made.trial("single") != made.trial("w1")
        assert made.trial("w1").fitted_rows is None


def test_what_rows_are_worth_is_measured_on_half_of_them(tmp_path, noisy, monkeypatch):
    _only_alone(monkeypatch)
    told, usual = [], more_rows.worth_of_rows
    monkeypatch.setattr(
        more_rows, "worth_of_rows", lambda loop, t, s: told.append((t, usual(loop, t, s))) or told[-1][1]
    )
    with mileage.connect(tmp_path / "p") as session:
        made = ask_freely(session, noisy)
        [(trial, worth)] = told
        assert worth > 0
        assert trial.number == made.trial("single").number
