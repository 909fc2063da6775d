"""Estimators of the user's own share work as far as the registry of traits knows their class."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

import mileage
from mileage.operators import operators
from mileage.operators.batched import Networks
from mileage.operators.external import from_estimator
from mileage.session import Result, Session, recheck

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


NETS = (
    "PREDICT y FROM '{csv}' VALIDATE BY 2 FOLDS "
    "WITH PIPELINE = median >> one_hot >> standard >> own_net(beta_1 IN {{0.8, 0.9}}, max_iter IN {{5, 9}}, solver = '{solver}') "
    "BUDGET 4 trials {hint}"
)


@pytest.mark.parametrize(("solver", "n_alone"), [("adam", 1), ("sgd", 9)])
def test_networks_of_the_registry_go_through_the_same_batches(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solver: str, n_alone: int
) -> None:
    monkeypatch.setattr(recheck.recheck, "__defaults__", (10**12,))  # nothing that was shared is made alone, too
    alone: list[int] = []
    train = BaseMultilayerPerceptron._fit_stochastic
    monkeypatch.setattr(
        BaseMultilayerPerceptron,
        "_fit_stochastic",
        lambda self, *a: (alone.append(self.max_iter), train(self, *a))[1],
    )
    from_estimator(MLPClassifier(hidden_layer_sizes=(4, 3), activation="tanh"), name="own_net")
    found, counts = [], []
    try:
        for i, hint in enumerate(("", "HINT (off = 'stack_fits')")):
            alone.clear()
            with mileage.connect(tmp_path / f"n{i}", backend="inline") as session:
                board = session.run(NETS.format(csv=csv, solver=solver, hint=hint)).leaderboard
            found.append({t.describe: t.scores["roc_auc"] for t in board.trials})
            counts.append(len(alone))
    finally:
        operators.remove("own_net")
    assert counts == [n_alone, 9]
    assert found[0] == found[1]


def test_networks_say_how_wide_they_are_and_which_have_no_batches() -> None:
    own = from_estimator(MLPClassifier(hidden_layer_sizes=(4, 3)), name="own_net")
    operators.remove("own_net")
    assert isinstance(own, Networks)
    assert {"alpha", "learning_rate_init", "beta_1", "beta_2"} <= set(own.batched)
    usual = own.complete({})
    assert own.hidden(usual) == (4, 3)
    assert [own.rows_of_batch({**usual, "batch_size": size}) for size in ("auto", 32)] == [200, 32]
    assert own.can_batch(usual)
    assert not any(own.can_batch({**usual, **other}) for other in ({"solver": "lbfgs"}, {"warm_start": True}))
    one = from_estimator(MLPClassifier(hidden_layer_sizes=7), name="own_net")
    operators.remove("own_net")
    assert isinstance(one, Networks)
    assert one.hidden(one.complete({})) == (7,)
