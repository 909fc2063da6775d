"""A recorded run comes out the same once more; what does not is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import mileage
from mileage.catalog import ArtifactStore
from mileage.errors import EngineError
from mileage.session import Result, Session, ends, race

MODELS = "WITH MODEL = logistic | knn | lightgbm(n_estimators IN LOG 50..100, num_leaves = 4)"


@pytest.fixture(autouse=True)
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a search after a few proposals that bring nothing better."""
    monkeypatch.setattr(ends, "_STALE", 4)
    monkeypatch.setattr(ends, "_TIMES", 0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a file with a noisy table."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 4))
    made = pd.DataFrame(X, columns=list("abcd"))
    made["y"] = np.where(X @ np.arange(1, 5) + rng.normal(0, 4, 240) > 0, "yes", "no")
    made.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def ask(session: Session, table: Path, rest: str = "BUDGET 120 s") -> Result:
    """Return the answer to a query."""
    answer = session.run(f"PREDICT y FROM '{table}' VALIDATE BY 3 FOLDS CONFIRM 2 {MODELS} {rest} SEED 1")
    assert isinstance(answer, Result)
    return answer


@pytest.mark.parametrize("rest", ["BUDGET 120 s", "BUDGET 16 trials"])
def test_all_comes_out_the_same_in_another_process(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    monkeypatch.setattr(race, "_LONG", 0.0)
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        board = ask(session, table, rest).leaderboard
    assert any(t.is_confirmed for t in board.trials)
    assert any(t.state == "behind" for t in board.trials) == ("s" in rest.split()[2:3])
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        result = session["q1"]
        monkeypatch.setattr(ArtifactStore, "put", lambda *_, **__: pytest.fail("something was kept"))
        report = result.replay()
    n = sum(bool(t.scores) for t in board.trials)
    assert report.data["workflows"] == n
    assert report.data["same"] == {"bitwise": n, "fp": 0}
    assert report.data["differ"] == []
    assert report.data["answer"]["exactness"] == "bitwise"
    assert f"{n} of {n} workflows of @q1 score as they did: {n} bit by bit" in report.text()


def test_what_is_kept_is_not_taken_for_an_answer(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        result = ask(session, table, "BUDGET 4 trials")
        fitted: list[str] = []
        fit = LogisticRegression.fit
        monkeypatch.setattr(
            LogisticRegression, "fit", lambda self, *a, **k: (fitted.append("fit"), fit(self, *a, **k))[1]
        )
        result.replay()
    assert fitted


def test_a_score_that_is_another_is_told(table: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        result = ask(session, table, "BUDGET 4 trials")
        changed = result.leaderboard.trials[2]
        other = replace(changed, scores={name: tuple(v + 0.01 for v in s) for name, s in changed.scores.items()})
        trials = tuple(other if t.number == 2 else t for t in result.leaderboard.trials)
        result.leaderboard = replace(result.leaderboard, trials=trials)
        report = result.replay()
    assert [one["trial"] for one in report.data["differ"]] == [2]
    assert report.sections[0].rows[0][0] == "2"
    assert "4 of 5 workflows" in report.text()


def test_an_answer_that_is_not_kept_is_not_compared(table: Path, tmp_path: Path) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        ask(session, table, "BUDGET 4 trials")
        session.clean()
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        report = session["q1"].replay()
    assert report.data["answer"] is None
    assert report.data["differ"] == []


def test_a_workflow_that_fails_now_is_an_error(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mileage.connect(tmp_path / "p", backend="inline") as session:
        result = ask(session, table, "BUDGET 4 trials")
        assert any(t.model == "logistic" and t.scores for t in result.leaderboard.trials)
        monkeypatch.setattr(LogisticRegression, "fit", lambda *_: (_ for _ in ()).throw(ValueError("gone")))
        with pytest.raises(EngineError, match="gone"):
            result.replay()
