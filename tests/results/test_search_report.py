"""The report of a search: the curve of the best, where the time went, and whether more of it is likely to pay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.operators import StepSpec
from mileage.results import Leaderboard, Trial
from mileage.results.search_report import search_report


def board(*means: float, spread: float = 0.01) -> Leaderboard:
    """Return a list of trials that ended 1, 2, 3 ... seconds after the start."""
    made = [
        Trial(
            i,
            (("model", (StepSpec("knn"),)),),
            describe=f"k{i}",
            scores={"auc": (m - spread, m + spread)},
            fit_s=0.1,
            at_s=1.0 * i,
        )
        for i, m in enumerate(means, 1)
    ]
    return Leaderboard(tuple(made), (("auc", True),))


@pytest.mark.parametrize(
    ("means", "says"),
    [
        ((0.8, 0.7, 0.7, 0.7), "brought nothing"),
        ((0.8, 0.7, 0.7, 0.805), "less than the noise"),
        ((0.7, 0.7, 0.7, 0.9), "more time may well pay"),
    ],
)
def test_what_more_time_may_bring(means: tuple[float, ...], says: str) -> None:
    report = search_report(board(*means), 4.5, "@q1")
    assert says in report.lines[0]
    assert ("REFINE @q1 SET BUDGET 9 s" in report.text()) == ("may well pay" in says)


def test_the_curve_is_of_the_best_so_far() -> None:
    report = search_report(board(0.6, 0.5, 0.7, 0.65, 0.8), 6.0, "@q1")
    assert [(c["at_s"], round(c["score"], 6)) for c in report.data["curve"]] == [(1.0, 0.6), (3.0, 0.7), (5.0, 0.8)]


def test_no_score_is_said() -> None:
    empty = Leaderboard((Trial(0, state="failed", error="no"),), (("auc", True),))
    assert search_report(empty, 1.0, "@q1").lines == ("nothing was scored",)


def test_a_search_is_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(160, 4))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(0, 0.8, 160)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=np.where(y > 0, "yes", "no"))
    with mileage.connect(tmp_path, backend="inline") as session:
        made = session.run(
            "PREDICT y FROM :df VALIDATE BY 3 FOLDS BUDGET 9 trials WITHOUT lightgbm, hist_gbm, random_forest, extra_trees, mlp",
            frames={"df": frame},
        )
        shown = session.run("SHOW search")
    titles = [section.title for section in shown.sections]
    assert titles == ["the best so far", "where the time went", "what the blend is made of"]
    scores = [entry["score"] for entry in shown.data["curve"]]
    assert scores == sorted(scores)
    searched = max(t.mean("roc_auc") for t in made.leaderboard.trials if t.number < 9)
    assert scores[-1] == searched
    assert sum(int(row[3]) for row in shown.sections[1].rows) == made.leaderboard.count("ok") - 1
