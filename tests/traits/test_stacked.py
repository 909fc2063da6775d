"""Networks that are trained on one stream of batches are those that scikit-learn fits one by one, to the last bit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from mileage.traits import stacked
from mileage.traits.stacked import fit_stacked, stream_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 7))
MARGIN = X[:, 0] - X[:, 1] * X[:, 2] + 0.3 * RNG.normal(size=len(X))
TARGETS: dict[str, tuple[Any, np.ndarray]] = {
    "two classes": (MLPClassifier, np.where(MARGIN > 0, "yes", "no")),
    "three classes": (MLPClassifier, np.digitize(MARGIN, [-1.0, 1.0])),
    "a number": (MLPRegressor, MARGIN),
    "two numbers": (MLPRegressor, np.column_stack([MARGIN, X[:, 0]])),
}
DIFFERENT: tuple[dict[str, Any], ...] = (
    {},
    {"alpha": 0.1, "learning_rate_init": 1e-2, "beta_1": 0.8, "beta_2": 0.99, "momentum": 0.5},
    {"alpha": 1.0, "n_iter_no_change": 2, "tol": 1e-2, "learning_rate": "adaptive", "max_iter": 60},
    {"epsilon": 1e-4, "nesterovs_momentum": False, "learning_rate": "invscaling", "power_t": 0.3, "max_iter": 9},
)


def nets(made: Any, **params: Any) -> list[Any]:
    """Return networks that differ in all that networks of one stream may differ in."""
    return [made(**{"max_iter": 25, "random_state": 3, "batch_size": 40, **params, **other}) for other in DIFFERENT]


def differences(together: list[Any], alone: list[Any], rows: Any) -> list[str]:
    """Return what differs, in any bit, between networks."""
    found = []
    for i, (one, other) in enumerate(zip(together, alone, strict=True)):
        asked = "predict_proba" if hasattr(other, "predict_proba") else "predict"
        arrays = [(one.loss_curve_, other.loss_curve_), (getattr(one, asked)(rows), getattr(other, asked)(rows))]
        arrays += zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
        for name in ("ms", "vs", "velocities"):
            arrays += zip(getattr(one._optimizer, name, []), getattr(other._optimizer, name, []), strict=True)
        same = ("n_iter_", "t_", "loss_", "best_loss_", "validation_scores_", "best_validation_score_", "n_outputs_")
        found += [f"{i}: {name}" for name in same if getattr(one, name) != getattr(other, name)]
        found += [f"{i}: an array" for a, b in arrays if not np.array_equal(a, b)]
        found += [f"{i}: attributes"] * (vars(one).keys() != vars(other).keys())
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_each_is_what_it_is_alone(target: str, solver: str, activation: str) -> None:
    made, y = TARGETS[target]
    for hidden, stops_early in (((6,), False), ((6, 4), True)):
        params = {"hidden_layer_sizes": hidden, "early_stopping": stops_early}
        asked = nets(made, activation=activation, solver=solver, **params)
        alone = [clone(net).fit(X, y) for net in asked]
        assert differences(fit_stacked(asked, X, y), alone, X) == []
        assert len({net.n_iter_ for net in asked}) > 1, "all have stopped at once, so nobody left others behind"


@pytest.mark.parametrize("made", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    "params",
    [{"shuffle": False}, {"batch_size": "auto"}, {"batch_size": 5000}, {"hidden_layer_sizes": (400,), "max_iter": 3}],
    ids=["in order", "batches of 200", "one batch", "wide"],
)
def test_so_it_is_with_other_batches(made: Any, params: dict[str, Any]) -> None:
    y = MARGIN > 0 if made is MLPClassifier else MARGIN
    asked = nets(made, **{"hidden_layer_sizes": (6,), **params})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Got `batch_size`")
        alone = [clone(net).fit(X, y) for net in asked]
    assert differences(fit_stacked(asked, X, y), alone, X) == []


def test_so_it_is_where_few_fit_near_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked, "_NEAR", 1)
    monkeypatch.setattr(stacked, "_FAR", 1)
    asked = nets(MLPClassifier, hidden_layer_sizes=(6,), early_stopping=True)
    alone = [clone(net).fit(X, MARGIN > 0) for net in asked]
    assert differences(fit_stacked(asked, X, MARGIN > 0), alone, X) == []


def test_so_it_is_with_labels_of_which_a_row_has_several() -> None:
    y = np.column_stack([MARGIN > 0, X[:, 0] > 0]).astype(int)
    asked = nets(MLPClassifier, hidden_layer_sizes=(6,), early_stopping=True)
    alone = [clone(net).fit(X, y) for net in asked]
    assert differences(fit_stacked(asked, X, y), alone, X) == []


def test_so_it_is_on_sparse_rows_and_on_counts() -> None:
    rows, counts = sparse.csr_matrix(np.where(X > 0.5, X, 0.0)), np.floor(np.exp(MARGIN / 2))
    asked = nets(MLPRegressor, loss="poisson", hidden_layer_sizes=(6,))
    alone = [clone(net).fit(rows, counts) for net in asked]
    assert differences(fit_stacked(asked, rows, counts), alone, rows) == []


@pytest.mark.parametrize(
    "params", [{"solver": "lbfgs"}, {"warm_start": True}, {"random_state": None}, {"verbose": True}], ids=str
)
def test_what_has_no_stream_is_fitted_alone(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[float] = []
    monkeypatch.setattr(MLPClassifier, "fit", lambda self, *_: (fitted.append(self.alpha), self)[1])
    asked = [MLPClassifier(**{"random_state": 0, **params}, alpha=alpha) for alpha in (0.1, 1.0)]
    assert stream_of(asked[0]) is None
    assert fit_stacked(asked, X, MARGIN > 0) == asked
    assert fitted == [0.1, 1.0]


@pytest.mark.parametrize(
    "params", [{"hidden_layer_sizes": (5,)}, {"random_state": 1}, {"batch_size": 7}, {"activation": "tanh"}], ids=str
)
def test_what_has_another_stream_is_fitted_alone(params: dict[str, Any]) -> None:
    usual = {"hidden_layer_sizes": (6,), "random_state": 0, "batch_size": 50, "max_iter": 3}
    asked = [MLPRegressor(**usual), MLPRegressor(**{**usual, **params})]
    assert stream_of(asked[0]) != stream_of(asked[1])
    alone = [clone(net).fit(X, MARGIN) for net in asked]
    assert differences(fit_stacked(asked, X, MARGIN), alone, X) == []


def test_single_precision_is_fitted_alone() -> None:
    rows = X.astype(np.float32)
    asked = nets(MLPRegressor, hidden_layer_sizes=(6,))
    alone = [clone(net).fit(rows, MARGIN) for net in asked]
    assert differences(fit_stacked(asked, rows, MARGIN), alone, rows) == []


def test_who_has_not_converged_says_so() -> None:
    asked = [MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=2, alpha=alpha) for alpha in (0.1, 1.0)]
    with pytest.warns(ConvergenceWarning, match=r"\(2\) reached") as said:
        fit_stacked(asked, X, MARGIN)
    assert len(said) == 2


def test_what_scikit_learn_refuses_is_refused() -> None:
    asked = [MLPClassifier((4,), random_state=0, alpha=alpha, early_stopping=True) for alpha in (0.1, 1.0)]
    with pytest.raises(ValueError, match="NaN"):
        fit_stacked(asked, np.where(X > 2, np.nan, X), MARGIN > 0)
    for net in asked:
        net.validation_fraction = 1e-3
    with pytest.raises(ValueError, match="number of classes|validation set"):
        fit_stacked(asked, X, MARGIN > 0)
    wild = [
        MLPRegressor(hidden_layer_sizes=(4,), random_state=0, solver="sgd", learning_rate_init=1e9, alpha=a)
        for a in (0.1, 1.0)
    ]
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite"):
        fit_stacked(wild, X, MARGIN)


def test_a_fitted_network_goes_on_as_scikit_learn_does() -> None:
    asked = [MLPClassifier((6,), random_state=3, max_iter=5, alpha=alpha) for alpha in (0.1, 1.0)]
    alone = [clone(net).fit(X, MARGIN > 0) for net in asked]
    fit_stacked(asked, X, MARGIN > 0)
    for net in (*asked, *alone):
        net.random_state = net._random_state
        net.partial_fit(X, MARGIN > 0)
    assert differences(asked, alone, X) == []
