"""Estimators of the user's own share work as far as the registry of traits knows their class."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.ensemble import GradientBoostingClassifier

import mileage
from mileage.operators import operators
from mileage.operators.external import from_estimator
from mileage.session import Result, Session

QUERY = (
    "PREDICT y FROM '{csv}' VALIDATE BY 2 FOLDS "
    "WITH PIPELINE = median >> one_hot >> own_boosting(n_estimators IN {{2, 4, 7}}) BUDGET 3 trials"
)


@pytest.fixture(scope="module", autouse=True)
def _boosting() -> Iterator[None]:
    from_estimator("sklearn.ensemble.GradientBoostingClassifier", name="own_boosting")
    yield
    operators.remove("own_boosting")


def scores(session: Session, csv: Path, hint: str = "") -> dict[str, tuple[float, ...]]:
    """Run the query; return the scores by configuration."""
    answer = session.run(QUERY.format(csv=csv) + hint)
    assert isinstance(answer, Result)
    return {t.describe: t.scores["roc_auc"] for t in answer.leaderboard.trials}


def test_a_class_of_the_registry_is_fitted_once_a_fold(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fitted: list[int] = []
    fit = GradientBoostingClassifier.fit
    monkeypatch.setattr(
        GradientBoostingClassifier,
        "fit",
        lambda self, *a, **k: (fitted.append(self.n_estimators), fit(self, *a, **k))[1],
    )
    shared = scores(session, csv)
    assert fitted[:2] == [7, 7]
    assert len(fitted) == 3  # and the best one on all rows
    with mileage.connect(tmp_path / "other", backend="inline") as other:
        assert scores(other, csv, " HINT (off = 'bind_late')") == shared
    assert len(fitted) == 3 + 7
