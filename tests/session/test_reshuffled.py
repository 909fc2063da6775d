"""``RESHUFFLED``: each workflow is scored on splits of its own, and comparisons know that."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import mileage
from mileage.core.exactness import Exactness
from mileage.engine import sums
from mileage.errors import BindError
from mileage.optimizer import Rates
from mileage.optimizer.rules import mask_fits
from mileage.results import Trial, paired_difference
from mileage.session import Result, Session
from mileage.session.rates import keep_rates
from mileage.session.script import dealt

QUERY = "PREDICT y FROM '{csv}' VALIDATE BY {how} WITH MODEL = logistic(C IN {{0.1, 1.0, 10.0}}) WITHOUT blend BUDGET 3 trials"


def run(session: Session, csv: Path, how: str) -> Result:
    """Run a grid of three penalties."""
    answer = session.run(QUERY.format(csv=csv, how=how))
    assert isinstance(answer, Result)
    return answer


def by_number(result: Result) -> dict[int, Trial]:
    """Return the trials of a result."""
    return {trial.number: trial for trial in result.leaderboard.trials}


@pytest.mark.parametrize(
    ("how", "n_splits", "n_test"), [("4 FOLDS", 4, 40), ("HOLDOUT 25%", 1, 40), ("HOLDOUT 25% REPEAT 3", 3, 40)]
)
def test_each_workflow_has_splits_of_its_own(session: Session, csv: Path, how: str, n_splits: int, n_test: int) -> None:
    result = run(session, csv, f"{how} RESHUFFLED")
    found = [dealt(result, trial) for trial in by_number(result).values()]
    tests = [splits.pairs[0].test for splits in found]
    assert len({test.digest for test in tests}) == 4
    for splits in found:
        assert len(splits.pairs) == n_splits
        for pair in splits.pairs:
            assert pair.train.isdisjoint(pair.test)
            assert pair.train.n + pair.test.n == 160
            assert abs(pair.test.n - n_test) <= 4
    y = np.array([label == "yes" for label in _labels(csv)])
    shares = [y[test.indices()].mean() for test in tests]
    assert np.ptp(shares) < 0.06  # the classes keep their shares


def _labels(csv: Path) -> list[str]:
    return pd.read_csv(csv)["y"].tolist()


def test_splits_depend_on_seed_and_workflow_alone(csv: Path, tmp_path: Path) -> None:
    found = []
    for i, (backend, more) in enumerate([("inline", ""), ("processes", ""), ("inline", " SEED 1")]):
        with mileage.connect(tmp_path / f"p{i}", backend=backend) as session:
            answer = session.run(QUERY.format(csv=csv, how="3 FOLDS RESHUFFLED") + more)
            assert isinstance(answer, Result)
            found.append({t.describe: t.scores["roc_auc"] for t in answer.leaderboard.trials})
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_scores_on_splits_of_their_own_are_not_compared_pair_by_pair(session: Session, csv: Path) -> None:
    result = run(session, csv, "4 FOLDS RESHUFFLED")
    trials = by_number(result)
    assert {trial.fidelity for trial in trials.values()} == {"private"}
    assert not trials[1].is_paired(trials[2])
    own = paired_difference(trials[1], trials[2], "roc_auc")
    assert own == paired_difference(trials[1], trials[2], "roc_auc", paired=False)
    report = session.run("COMPARE @w1, @w2")
    assert "not paired: the splits differ" in str(report)


def test_confirmed_workflows_are_scored_on_the_same_splits(session: Session, csv: Path) -> None:
    text = (
        f"PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS CONFIRM 2 RESHUFFLED "
        "WITH MODEL = logistic(C IN LOG 0.01..10.0) BUDGET 16 trials"
    )
    result = session.run(text)
    assert isinstance(result, Result)
    again = [t for t in result.leaderboard.trials if t.is_confirmed]
    assert len(again) > 1
    assert all(one.is_paired(again[0]) and len(one.scores["roc_auc"]) == 6 for one in again)
    assert dealt(result, again[0]).pairs == dealt(result, again[1]).pairs


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("BY BOOTSTRAP 5 RESHUFFLED", "a bootstrap is not reshuffled"),
        ("BY 5 FOLDS IN ORDER OF size RESHUFFLED", "there is one order of rows"),
        ("BY 2 FOLDS KEEPING colour TOGETHER RESHUFFLED", "too few groups for splits that differ"),
        ("BY 100 FOLDS RESHUFFLED", "too few rows for splits that differ"),
    ],
)
def test_what_cannot_be_reshuffled_is_refused(session: Session, csv: Path, how: str, said: str) -> None:
    with pytest.raises(BindError, match=said):
        session.run(f"PREDICT y FROM '{csv}' VALIDATE {how}")


LINEAR = (
    "PREDICT {target} FROM '{csv}' EXCLUDING {other} VALIDATE BY {how} RESHUFFLED OPTIMIZE {metrics} WITH PIPELINE = "
    "mean >> one_hot >> standard >> {model} WITHOUT blend BUDGET 3 trials HINT (strategy = 'exhaustive'{more})"
)
SLOW = Rates(cell_s=1.0, product_s=1.0, slow=1e9)  # a machine on which it always pays to look at rows once


@pytest.mark.parametrize("how", ["4 FOLDS", "HOLDOUT 20% REPEAT 2", "3 FOLDS REPEAT 2"])
@pytest.mark.parametrize(
    "model", ["ridge(alpha IN {0.1, 1.0, 10.0})", "gaussian_nb(var_smoothing IN {1e-9, 1e-3, 0.1})"]
)
def test_rows_are_summed_up_once_for_all_workflows(table: pd.DataFrame, tmp_path: Path, how: str, model: str) -> None:
    table["amount"] = np.nan_to_num(table["size"]) + table["noise"] ** 2
    csv = tmp_path / "amounts.csv"
    table.to_csv(csv, index=False)
    target, other, metrics = ("amount", "y", "rmse THEN mae") if "ridge" in model else ("y", "amount", "log_loss")
    found, lifted = [], []
    for more in ("", ", off = 'fit_from_sums'"):
        with mileage.connect(tmp_path / f"p{len(found)}", backend="inline") as session:
            keep_rates(session.project.path, SLOW)
            text = LINEAR.format(csv=csv, target=target, other=other, metrics=metrics, how=how, model=model, more=more)
            before = len(lifted)
            with pytest.MonkeyPatch.context() as patch:
                lift = sums.lift
                patch.setattr(sums, "lift", lambda *a, lift=lift: (lifted.append(1), lift(*a))[1])
                answer = session.run(text)
            assert isinstance(answer, Result)
            n_parts = answer.plan.validation.parts
            assert len(lifted) - before == (0 if more else n_parts)  # once each, whatever the number of workflows
            found.append({t.describe: t.scores for t in answer.leaderboard.trials})
    assert found[0].keys() == found[1].keys()
    for name, scores in found[0].items():
        for metric, values in scores.items():
            assert np.allclose(values, found[1][name][metric], rtol=0, atol=1e-9), name


@pytest.mark.parametrize("how", ["4 FOLDS", "HOLDOUT 20% REPEAT 2"])
def test_logistic_regressions_on_rows_of_their_own_are_fitted_in_one_go(
    table: pd.DataFrame, tmp_path: Path, how: str
) -> None:
    found, fitted = [], []
    fit = LogisticRegression.fit
    for more in ("", ", off = 'mask_fits'"):
        with (
            mileage.connect(tmp_path / f"p{len(found)}", backend="inline") as session,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(mask_fits, "_FEWEST_CELLS", 0)
            patch.setattr(
                LogisticRegression,
                "fit",
                lambda self, *a, _more=more, **k: (fitted.append(_more), fit(self, *a, **k))[1],
            )
            answer = session.run(
                f"PREDICT y FROM :df VALIDATE BY {how} RESHUFFLED OPTIMIZE log_loss WITH PIPELINE = median >> one_hot >> standard >> "
                f"logistic(C IN {{0.1, 1.0, 10.0}}) WITHOUT blend BUDGET 3 trials HINT (strategy = 'exhaustive'{more})",
                frames={"df": table},
            )
            assert isinstance(answer, Result)
            found.append({t.describe: t.scores["log_loss"] for t in answer.leaderboard.trials})
            weakest = {t.exactness for t in answer.leaderboard.trials if t.number > 0}
            assert weakest == {Exactness.BITWISE if more else Exactness.OPT_EQUAL}
    assert fitted.count("") == 1  # the best one on all rows
    assert found[0].keys() == found[1].keys()
    assert all(np.allclose(found[0][name], found[1][name], rtol=0, atol=1e-4) for name in found[0])


def test_a_kept_search_is_not_fitted_again(session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mileage.operators import running

    first = run(session, csv, "3 FOLDS RESHUFFLED")
    monkeypatch.setattr(running, "fit_model", lambda *_: pytest.fail("fitted again"))
    again = run(session, csv, "3 FOLDS RESHUFFLED")
    assert {n: t.scores for n, t in by_number(first).items()} == {n: t.scores for n, t in by_number(again).items()}
