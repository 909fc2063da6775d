"""Trials of one search share what they have in common, and score as if they did not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectPercentile
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

import mileage
from mileage.core.exactness import Exactness
from mileage.errors import BindError
from mileage.optimizer import Rates
from mileage.optimizer.rules import fuse_fits
from mileage.results import Trial
from mileage.session import Result, Session, recheck
from mileage.session.rates import keep_rates, known_rates

GRID = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS "
    "WITH PIPELINE = median >> one_hot >> random_forest(n_estimators IN {{4, 8, 12}}, max_depth IN {{2, 3}}) BUDGET 6 trials"
)


@pytest.fixture(autouse=True)
def not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make nothing alone that was shared: fits are counted here."""
    monkeypatch.setattr(recheck.recheck, "__defaults__", (10**12,))


def run(session: Session, csv: Path, text: str = GRID) -> Result:
    """Run a query on the table."""
    answer = session.run(text.format(csv=csv))
    assert isinstance(answer, Result)
    return answer


def scores(result: Result) -> dict[str, tuple[float, ...]]:
    """Return the scores by configuration."""
    return {t.describe: t.scores["roc_auc"] for t in result.leaderboard.trials}


def test_forests_of_a_grid_are_parts_of_the_largest(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[int] = []
    fit = RandomForestClassifier.fit
    monkeypatch.setattr(
        RandomForestClassifier, "fit", lambda self, *a, **k: (grown.append(self.n_estimators), fit(self, *a, **k))[1]
    )
    result = run(session, csv)
    assert grown[:6] == [12] * 6  # 2 depths on 3 folds
    assert len(grown) == 7  # and the best one on all rows
    assert len(result.leaderboard.trials) == 7
    assert all(t.fit_s is not None and t.fit_s > 0 for t in result.leaderboard.trials)


def test_shared_fits_score_bit_by_bit_as_single_ones(csv: Path, tmp_path: Path) -> None:
    found = []
    for i, (backend, hint) in enumerate([("inline", ""), ("processes", ""), ("inline", " HINT (off = 'bind_late')")]):
        with mileage.connect(tmp_path / f"p{i}", backend=backend) as session:
            found.append(scores(run(session, csv, GRID + hint)))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 7


def test_columns_are_judged_once_whatever_share_of_them_is_kept(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []
    fit = SelectPercentile.fit
    monkeypatch.setattr(SelectPercentile, "fit", lambda self, X, y: (judged.append(len(X)), fit(self, X, y))[1])
    result = run(
        session,
        csv,
        "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS WITH PIPELINE = median >> one_hot >> k_best(k IN 0.2..0.9) >> ridge BUDGET 8 trials",
    )
    assert len(judged) == 4  # three folds, and the best one on all rows
    assert len({t.describe for t in result.leaderboard.trials}) == 9


NEIGHBORS = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS WITH PIPELINE = median >> one_hot >> standard >> "
    "knn(n_neighbors IN {{1, 4, 9}}, weights IN {{'uniform', 'distance'}}) BUDGET 6 trials"
)


def test_neighbors_are_searched_for_once_a_fold(session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    search = KNeighborsClassifier.kneighbors
    monkeypatch.setattr(
        KNeighborsClassifier,
        "kneighbors",
        lambda self, X=None, *a, **k: (asked.append(len(X)), search(self, X, *a, **k))[1],
    )
    board = run(session, csv, NEIGHBORS).leaderboard
    assert len(asked) == 3
    assert {t.exactness for t in board.trials if t.number > 0} == {Exactness.TIE_EQUAL}
    assert all(t.predict_s for t in board.trials)


def test_neighbors_that_are_told_vote_as_those_that_are_searched_for(csv: Path, tmp_path: Path) -> None:
    found = []
    for i, (backend, hint) in enumerate([("inline", ""), ("processes", ""), ("inline", " HINT (exactness = bitwise)")]):
        with mileage.connect(tmp_path / f"p{i}", backend=backend) as session:
            found.append(scores(run(session, csv, NEIGHBORS + hint)))
    assert found[0] == found[1]
    assert found[0].keys() == found[2].keys()
    assert all(found[0][name] == pytest.approx(found[2][name], abs=1e-9) for name in found[0])


def test_a_ridge_behind_any_step_is_learned_from_sums(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[float] = []
    fit = RidgeClassifier.fit
    monkeypatch.setattr(
        RidgeClassifier, "fit", lambda self, *a, **k: (fitted.append(self.alpha), fit(self, *a, **k))[1]
    )
    steps = "median >> one_hot >> k_best(k = 3) >> ridge(alpha IN {{0.1, 1, 10}})"
    board = run(session, csv, "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS WITH PIPELINE = " + steps).leaderboard
    assert len(fitted) == 1  # the best one on all rows
    assert all(t.fit_s for t in board.trials)


def test_a_smaller_fit_of_a_shared_one_takes_its_share_of_the_time(session: Session, csv: Path) -> None:
    by_size = {t.describe: t.fit_s for t in run(session, csv).leaderboard.trials if "max_depth = 2" in t.describe}
    few, many = (next(s for name, s in by_size.items() if f"n_estimators = {n})" in name) for n in (4, 12))
    assert few is not None
    assert many is not None
    assert few < many


def test_explain_plan_names_the_rule_that_shares_and_what_it_saves(session: Session, csv: Path) -> None:
    shown = session.run("EXPLAIN PLAN " + GRID.format(csv=csv)).to_json()["sections"]
    [shared] = [section for section in shown if section["title"] == "shared"]
    by_rule = {row["rule"]: row for row in shared["rows"]}
    assert by_rule["bind_late"]["exactness"] == "bitwise"
    assert by_rule["bind_late"]["tasks saved"] == "12"  # 18 fits from 6
    assert int(by_rule["merge_equal_tasks"]["tasks saved"]) > 12
    without = session.run("EXPLAIN PLAN " + GRID.format(csv=csv) + " HINT (off = 'bind_late')").to_json()
    [shared] = [section for section in without["sections"] if section["title"] == "shared"]
    assert [row["rule"] for row in shared["rows"]] == ["merge_equal_tasks"]


def test_a_trial_names_the_weakest_class_of_what_it_shares(session: Session, csv: Path) -> None:
    board = run(session, csv, GRID + " HINT (exactness = bitwise)").leaderboard
    assert {row["exactness"] for row in board.to_json()["leaderboard"]} == {"bitwise"}
    assert "shared work" not in board.text()
    loose = replace(board, trials=tuple(replace(t, exactness=Exactness.TIE_EQUAL) for t in board.trials))
    assert "shared work that is tie_equal to that of its own; HINT (exactness = fp) does without it" in loose.text()
    assert Trial.from_json(loose.trials[0].to_json()).exactness is Exactness.TIE_EQUAL


def test_below_the_default_floor_nothing_kept_is_loaded(session: Session, csv: Path) -> None:
    run(session, csv)
    [plan, *_] = [
        s
        for s in session.run("EXPLAIN PLAN " + GRID.format(csv=csv) + " HINT (exactness = fp)").to_json()["sections"]
        if s["title"].startswith("physical")
    ]
    assert plan["rows"][-1]["loaded"] == "0"


def test_an_unknown_class_of_exactness_is_one_clear_error(session: Session, csv: Path) -> None:
    with pytest.raises(BindError) as caught:
        run(session, csv, GRID + " HINT (exactness = bitwize)")
    [found] = caught.value.diagnostics
    assert (found.code, found.message) == ("E215", "no class of exactness 'bitwize'")
    assert found.fixes[0].text == "exactness = bitwise"


SLOW = Rates(cell_s=1.0, product_s=1.0, slow=1e9)  # a machine on which it always pays to look at rows once
LINEAR = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS OPTIMIZE log_loss "
    "WITH PIPELINE = mean >> one_hot >> standard >> (ridge(alpha IN {{0.1, 1.0, 10.0}}) | gaussian_nb) BUDGET 4 trials"
)


def test_models_of_all_folds_are_learned_from_sums_and_not_fitted(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.linear_model import RidgeClassifier
    from sklearn.naive_bayes import GaussianNB

    fitted: list[str] = []
    for made in (RidgeClassifier, GaussianNB):
        fit = made.fit
        monkeypatch.setattr(
            made, "fit", lambda self, *a, _fit=fit, **k: (fitted.append(type(self).__name__), _fit(self, *a, **k))[1]
        )
    keep_rates(session.project.path, SLOW)
    result = run(session, csv, LINEAR + " HINT (strategy = 'exhaustive')")
    assert len(fitted) == 1  # the best one on all rows
    trials = [t for t in result.leaderboard.trials if t.number > 0]
    assert len(trials) == 4
    assert all(t.exactness is Exactness.FP and t.fit_s is not None and t.fit_s > 0 for t in trials)


def test_scores_from_sums_are_those_of_fits_on_rows(csv: Path, tmp_path: Path) -> None:
    found = []
    hints = ("backend = 'inline'", "backend = 'processes'", "backend = 'inline', exactness = bitwise")
    for i, hint in enumerate(hints):
        with mileage.connect(tmp_path / f"s{i}") as session:
            keep_rates(session.project.path, SLOW)
            board = run(session, csv, f"{LINEAR} HINT (strategy = 'exhaustive', {hint})").leaderboard
            found.append({t.describe: t.scores["log_loss"] for t in board.trials})
            assert {t.exactness for t in board.trials} <= {Exactness.BITWISE, *([Exactness.FP] if i < 2 else [])}
    assert found[0] == found[1]
    assert found[0].keys() == found[2].keys()
    assert all(np.allclose(found[0][name], found[2][name], rtol=0, atol=1e-9) for name in found[0])


def test_a_few_rows_are_not_worth_their_sums(session: Session, csv: Path) -> None:
    text = (
        "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS OPTIMIZE log_loss WITH PIPELINE = mean >> one_hot >> standard >> "
        "(gaussian_nb | decision_tree) BUDGET 2 trials HINT (strategy = 'exhaustive')"
    )
    few = run(session, csv, text).leaderboard.trials
    assert {t.exactness for t in few} == {Exactness.BITWISE}
    keep_rates(session.project.path, SLOW)
    assert {t.exactness for t in run(session, csv, f"{text} SEED 1").leaderboard.trials} == {
        Exactness.BITWISE,
        Exactness.FP,
    }


def test_rates_lean_towards_what_was_measured_and_are_kept(session: Session, csv: Path) -> None:
    keep_rates(session.project.path, SLOW)
    run(session, csv, LINEAR)
    assert known_rates(session.project.path).cell_s < SLOW.cell_s


@pytest.mark.parametrize(
    ("validate", "steps"),
    [
        ("3 FOLDS KEEPING team TOGETHER", "mean >> one_hot >> standard >> (ridge(alpha IN {0.01, 1.0}) | gaussian_nb)"),
        ("3 FOLDS REPEAT 2", "constant(fill_value = 7.0) >> one_hot >> minmax >> multinomial_nb(alpha IN {0.1, 1.0})"),
        ("2 FOLDS", "median >> one_hot >> robust >> ridge(alpha IN {0.001, 1.0})"),
    ],
)
def test_sums_of_awkward_columns_score_as_rows_do(tmp_path: Path, validate: str, steps: str) -> None:
    rng, n = np.random.default_rng(1), 400
    far, skewed = rng.normal(1e5, 1, n), rng.exponential(3, n)
    frame = pd.DataFrame({"far": far, "skewed": skewed, "same": 1.0, "level": rng.choice(list("uvwxyz"), n)})
    frame["y"] = np.where(far - 1e5 + 0.3 * skewed + (frame["level"] == "u") + rng.normal(size=n) > 1.2, "yes", "no")
    frame["many"], frame["team"] = rng.choice([f"l{i}" for i in range(90)], n), rng.integers(0, 40, n)
    frame["empty"] = np.where(np.arange(n) == 5, 1.0, np.nan)
    frame.loc[rng.random(n) < 0.2, "skewed"], frame.loc[rng.random(n) < 0.1, "level"] = np.nan, None
    frame.to_parquet(tmp_path / "t.parquet")
    found = []
    for i, exactness in enumerate(("fp", "bitwise")):
        with mileage.connect(tmp_path / f"p{i}", backend="inline") as session:
            keep_rates(session.project.path, SLOW)
            text = f"PREDICT y FROM '{tmp_path / 't.parquet'}' EXCLUDING team VALIDATE BY {validate} OPTIMIZE log_loss "
            text += f"WITH PIPELINE = {steps} BUDGET 4 trials HINT (strategy = 'exhaustive', exactness = {exactness})"
            trials = session.run(text).leaderboard.trials[1:]
            assert {str(t.exactness) for t in trials} == {exactness}
            found.append({t.describe: t.scores["log_loss"] for t in trials})
    assert found[0].keys() == found[1].keys()
    assert all(np.allclose(found[0][name], found[1][name], rtol=0, atol=1e-9) for name in found[0])


FUSED = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS OPTIMIZE roc_auc "
    "WITH PIPELINE = median >> one_hot >> standard >> logistic(C IN {{0.01, 0.1, 1.0, 10.0}}) BUDGET 4 trials"
)


def test_logistic_regressions_of_a_grid_are_fitted_in_rounds(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[float] = []
    fit = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda self, *a: (fitted.append(self.C), fit(self, *a))[1])
    monkeypatch.setattr(fuse_fits, "_FEWEST_CELLS", 0)
    found, counts = [], []
    for i, hint in enumerate(("", "HINT (off = 'fuse_fits')", "HINT (exactness = fp)")):
        fitted.clear()
        with mileage.connect(tmp_path / f"f{i}", backend="inline") as session:
            board = run(session, csv, f"{FUSED} {hint}").leaderboard
            found.append(scores(run(session, csv, f"{FUSED} {hint}")))
            counts.append(len(fitted))
            assert {t.exactness for t in board.trials if t.number > 0} == {
                Exactness.BITWISE if i else Exactness.OPT_EQUAL
            }
            assert all(t.fit_s is not None and t.fit_s > 0 for t in board.trials)
    assert counts[0] < counts[1]
    assert found[0].keys() == found[1].keys()
    assert all(np.allclose(found[0][name], found[1][name], rtol=0, atol=1e-6) for name in found[0])


NETS = (
    "PREDICT {target} FROM '{csv}' VALIDATE BY 3 FOLDS OPTIMIZE {metric} WITH PIPELINE = median >> one_hot >> standard >> "
    "mlp(hidden = 4, alpha IN {{0.01, 1.0}}, learning_rate_init IN {{0.001, 0.01}}) BUDGET 4 trials {hint}"
)


@pytest.mark.parametrize(("target", "metric"), [("y", "roc_auc"), ("size", "rmse")])
def test_networks_of_a_grid_go_through_the_same_batches(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, metric: str
) -> None:
    alone: list[float] = []
    train = BaseMultilayerPerceptron._fit_stochastic
    monkeypatch.setattr(
        BaseMultilayerPerceptron,
        "_fit_stochastic",
        lambda self, *a: (alone.append(self.alpha), train(self, *a))[1],
    )
    found = []
    for i, (hint, n_alone, exactness) in enumerate(
        (("", 1, "fp"), ("HINT (off = 'stack_fits')", 13, "bitwise"), ("HINT (exactness = bitwise)", 13, "bitwise"))
    ):
        alone.clear()
        with mileage.connect(tmp_path / f"n{i}", backend="inline") as session:
            board = session.run(NETS.format(csv=csv, target=target, metric=metric, hint=hint)).leaderboard
        assert len(alone) == n_alone  # the best one is fitted on all rows
        assert {str(t.exactness) for t in board.trials if t.number > 0} == {exactness}
        assert all(t.fit_s is not None and t.fit_s > 0 for t in board.trials)
        found.append({t.describe: t.scores[metric] for t in board.trials})
    assert found[1] == found[2]
    assert found[0].keys() == found[1].keys()
    assert all(np.allclose(found[0][name], found[1][name], rtol=1e-12, atol=0) for name in found[0])


def test_grids_whose_end_hangs_on_a_clock_are_fitted_one_by_one(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuse_fits, "_FEWEST_CELLS", 0)
    trials = run(session, csv, f"{FUSED}, 1 min").leaderboard.trials
    assert {t.exactness for t in trials} == {Exactness.BITWISE}
