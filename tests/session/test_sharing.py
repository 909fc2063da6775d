"""Trials of one search share what they have in common, and score as if they did not."""

from pathlib import Path

import pytest
from sklearn.ensemble import RandomForestClassifier

import mileage
from mileage.session import Result, Session

GRID = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS "
    "WITH PIPELINE = median >> one_hot >> random_forest(n_estimators IN {{4, 8, 12}}, max_depth IN {{2, 3}}) BUDGET 6 trials"
)


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
    for i, (backend, hint) in enumerate(
        [("inline", ""), ("processes", ""), ("inline", " HINT (off = 'cut_from_largest')")]
    ):
        with mileage.connect(tmp_path / f"p{i}", backend=backend) as session:
            found.append(scores(run(session, csv, GRID + hint)))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 7


def test_a_smaller_fit_of_a_shared_one_takes_its_share_of_the_time(session: Session, csv: Path) -> None:
    by_size = {t.describe: t.fit_s for t in run(session, csv).leaderboard.trials if "max_depth = 2" in t.describe}
    few, many = (next(s for name, s in by_size.items() if f"n_estimators = {n})" in name) for n in (4, 12))
    assert few is not None
    assert many is not None
    assert few < many
