"""A search tries companions with what it proposes, in one plan that fits once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier

import mileage
from mileage.engine import Executor, Outcome
from mileage.engine.backend import JobState
from mileage.results import Leaderboard, Trial
from mileage.session import Result, ends, proposals, race, recheck

ROUNDS = "WITH PIPELINE = one_hot >> lightgbm(n_estimators IN LOG 50..400, learning_rate = 0.1, num_leaves = 4)"


@pytest.fixture(autouse=True)
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """End a search after a few proposals that bring nothing better."""
    monkeypatch.setattr(ends, "_STALE", 3)
    monkeypatch.setattr(ends, "_TIMES", 0)
    monkeypatch.setattr(recheck.recheck, "__defaults__", (10**12,))


def frame() -> pd.DataFrame:
    """Return a table with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    made = pd.DataFrame(X, columns=list("abcd"))
    made["y"] = np.where(X @ np.arange(1, 5) + rng.normal(0, 4, 300) > 0, "yes", "no")
    return made


def answer(folder: Path, text: str, budget: str = "120 s", **options: object) -> Leaderboard:
    """Return the trials of a query."""
    with mileage.connect(folder, **{"backend": "inline", **options}) as session:
        query = f"PREDICT y FROM :df VALIDATE BY 3 FOLDS {text} BUDGET {budget} WITHOUT blend"
        found = session.run(query, frames={"df": frame()})
    assert isinstance(found, Result)
    return found.leaderboard


def is_companion(trial: Trial) -> bool:
    """Say whether a trial was tried beside another."""
    return trial.beside is not None


def test_one_fit_serves_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown: list[int] = []
    fit = LGBMClassifier.fit
    monkeypatch.setattr(
        LGBMClassifier, "fit", lambda self, *a, **k: (grown.append(self.n_estimators), fit(self, *a, **k))[1]
    )
    trials = answer(tmp_path, ROUNDS).trials
    beside = [t for t in trials if is_companion(t)]
    alone = [t for t in trials if t.number > 0 and not is_companion(t)]
    assert len(beside) >= 3
    assert len(grown) <= 3 * len(alone) + 1  # a fit a split, and the answer on all rows
    assert len({t.describe for t in trials}) == len(trials)
    assert all(t.state == "ok" and len(t.scores["roc_auc"]) == 3 and t.fit_s for t in trials[1:])
    assert all(t.reason is not None and t.reason.text.startswith("beside") for t in beside)


def test_of_those_that_one_fit_served_the_list_has_the_best(tmp_path: Path) -> None:
    board = answer(tmp_path, f"{ROUNDS.replace('= 0.1', 'IN 0.05..0.3')}")
    groups = [t.number if t.beside is None else t.beside for t in board.ranked]
    assert len(set(groups)) == len(groups) == 5
    assert board.ranked[0] == board.order[0]
    assert [board.order.index(t) for t in board.ranked] == sorted(board.order.index(t) for t in board.ranked)


@pytest.mark.parametrize("models", [ROUNDS, "WITH MODEL = knn | ridge | logistic | gaussian_nb"])
def test_companions_score_as_they_do_alone(tmp_path: Path, models: str) -> None:
    beside = [t for t in answer(tmp_path / "a", models).trials if is_companion(t)]
    assert len(beside) >= 3
    for trial in beside[:6]:
        steps = " >> ".join(str(spec) for _, specs in trial.configuration for spec in specs if spec.operator != "none")
        alone = answer(tmp_path / "b", f"WITH PIPELINE = {steps}").trials[1]
        assert alone.scores["roc_auc"] == pytest.approx(trial.scores["roc_auc"], abs=1e-6)


def test_the_search_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    one = answer(tmp_path / "a", ROUNDS)
    two = answer(tmp_path / "b", ROUNDS, backend="processes", workers=2)
    assert {t.number: (t.describe, t.scores) for t in one.trials} == {
        t.number: (t.describe, t.scores) for t in two.trials
    }


@pytest.mark.parametrize(
    ("budget", "more"),
    [
        ("120 s, 6 trials", ""),
        ("6 trials", ""),
        ("120 s", "HINT (off = 'bind_late')"),
        ("120 s", "HINT (exactness = bitwise)"),
    ],
)
def test_there_are_none_where_trials_are_counted_or_cost_as_much(tmp_path: Path, budget: str, more: str) -> None:
    assert not any(is_companion(t) for t in answer(tmp_path, f"{ROUNDS} {more}", budget).trials)


def test_what_takes_much_of_the_budget_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "_DEAR", 1e-9)
    assert not any(is_companion(t) for t in answer(tmp_path, ROUNDS).trials)


def test_in_a_race_only_those_behind_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_LONG", 0.0)
    monkeypatch.setattr(race, "_WIDER", 0.05)
    board = answer(tmp_path, "WITH MODEL = knn(n_neighbors IN LOG 1..100)")
    behind = {t.number for t in board.behind}
    assert behind
    assert all(len(t.scores["roc_auc"]) == 1 for t in board.behind)
    split = [t for t in board.trials if is_companion(t) and (t.number in behind) != (t.beside in behind)]
    assert split, "no group had one that went on beside one that did not"


def test_without_memory_for_all_a_proposal_runs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, seen = Executor.wait, set[str]()

    def short(self: Executor, timeout_s: float = 3600.0) -> list[Outcome]:
        """Return outcomes; the first one of each trial has run out of memory."""
        found = wait(self, timeout_s)
        over = [o.label.startswith("trial ") and o.label not in {"trial 0", *seen} for o in found]
        seen.update(o.label for o in found)
        return [replace(o, state=JobState.MEMORY) if is_over else o for o, is_over in zip(found, over, strict=True)]

    monkeypatch.setattr(Executor, "wait", short)
    trials = answer(tmp_path, ROUNDS.replace("= 0.1", "IN 0.05..0.3")).trials
    beside = [t for t in trials if is_companion(t)]
    assert beside
    assert {t.state for t in beside} == {"skipped"}
    assert all("is run again alone" in (t.error or "") for t in beside)
    assert {t.state for t in trials if t not in beside} >= {"ok"}
