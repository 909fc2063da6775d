"""A long trial that is clearly behind on its first split ends there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.session import Result, race

QUERY = (
    "PREDICT y FROM :df VALIDATE BY 4 FOLDS WITH model = logistic | knn | gaussian_nb | decision_tree | bernoulli_nb "
    "BUDGET {budget} WITHOUT blend SEED 3"
)


def answer(folder: Path, budget: str, **options: object) -> Result:
    """Return an answer for a table that a straight line explains."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["y"] = np.where(X @ np.arange(1, 7) + rng.normal(0, 1.5, 400) > 0, "yes", "no")
    with mileage.connect(folder, **options) as session:
        found = session.run(QUERY.format(budget=budget), frames={"df": frame})
    assert isinstance(found, Result)
    return found


def test_what_is_behind_is_not_run_on_the_other_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_LONG", 0.0)  # every trial is worth a race
    board = answer(tmp_path, "60 s, 24 trials", backend="inline").leaderboard
    assert board.behind
    best = board.order[0]
    for trial in board.behind:
        assert len(trial.scores["roc_auc"]) == 1
        assert trial.scores["roc_auc"][0] < best.scores["roc_auc"][0]
        assert "clearly behind on the first of 4 splits" in (trial.error or "")
        assert trial not in board.order
    assert all(len(t.scores["roc_auc"]) == 4 for t in board.order)
    assert f"ended early: {len(board.behind)}" in board.text()
    assert {entry["trial"] for entry in board.to_json()["cut"] if "trial" in entry} >= {t.number for t in board.behind}


def test_those_that_clear_the_hurdle_score_as_without_a_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {t.describe: t for t in answer(tmp_path / "a", "24 trials", backend="inline").leaderboard.order}
    monkeypatch.setattr(race, "_LONG", 0.0)
    raced = answer(tmp_path / "b", "60 s, 24 trials", backend="inline").leaderboard
    shared = [t for t in raced.order if t.describe in plain]
    assert len(shared) >= 5
    assert all(t.scores == plain[t.describe].scores for t in shared)
    assert all((t.fit_s is None) == (plain[t.describe].fit_s is None) for t in shared)
    assert sum(t.fit_s is not None for t in shared) >= 4


def test_a_race_does_not_depend_on_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_LONG", 0.0)
    one = answer(tmp_path / "a", "60 s, 16 trials", backend="inline").leaderboard.trials
    two = answer(tmp_path / "b", "60 s, 16 trials", workers=2).leaderboard.trials
    assert [(t.number, t.describe, t.state, t.scores) for t in one] == [
        (t.number, t.describe, t.state, t.scores) for t in two
    ]
    assert any(t.state == "behind" for t in one)
