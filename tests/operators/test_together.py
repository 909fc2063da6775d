"""Models that are learned together answer and score as those that are learned alone."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB

from mileage.operators import Branch, BuildContext, operators, running, together
from mileage.operators.metrics import is_of_squares, score, score_stacked
from mileage.operators.sums import Seen
from mileage.operators.together import Asked, Fits, LinearFits, Odds, Stacked
from mileage.testing.laws import sums
from mileage.traits.fused import minimize_together

seeds = st.integers(0, 2**16)


class Said(Fits):
    """Models that say of the row of each number what is known of it."""

    def __init__(self, stacked: Stacked | Odds) -> None:
        self.stacked = stacked

    def answers(self, X: np.ndarray, n_classes: int) -> Stacked | Odds:
        rows, said = X[:, 0].astype(int), self.stacked
        if isinstance(said, Odds):
            return replace(said, margins=said.margins[:, rows])
        return Stacked(said.kind, said.values[:, rows], said.labels[:, rows])

    def one(self, place: int) -> "Said":
        own, said = slice(place, place + 1), self.stacked
        if isinstance(said, Odds):
            return Said(replace(said, margins=said.margins[own]))
        return Said(Stacked(said.kind, said.values[own], said.labels[own]))

    def __len__(self) -> int:
        return 3


def stack(rng: np.random.Generator, task: str, kind: str, n_rows: int, n_classes: int) -> Stacked | Odds:
    """Return what three models say, as they may say it."""
    if task == "regression":
        values = rng.normal(size=(3, n_rows))
        return Stacked("value", values, values)
    if kind == "proba":
        seen = np.arange(n_classes)[: n_classes - (n_classes > 2 and rng.random() < 0.3)]
        n_outputs = 1 if n_classes == 2 and rng.random() < 0.5 else len(seen)
        margins = rng.choice([1.0, 30.0, 1e9]) * rng.normal(size=(3, n_rows, n_outputs))
        return Odds(margins, seen, n_classes, joint=n_outputs > 1 and rng.random() < 0.5)
    values = rng.normal(size=(3, n_rows) if n_classes == 2 else (3, n_rows, n_classes))
    return Stacked(kind, values, (values > 0).astype(int) if values.ndim == 2 else values.argmax(axis=2))


@given(
    seeds,
    st.sampled_from(
        [("regression", "value", 0), ("binary", "decision", 2), ("binary", "proba", 2), ("multiclass", "proba", 4)]
    ),
)
def test_scores_of_a_stack_are_those_of_each(seed: int, case: tuple[str, str, int]) -> None:
    task, kind, n_classes = case
    rng = np.random.default_rng(seed)
    y = rng.normal(size=30) if task == "regression" else rng.integers(0, n_classes, 30)
    asked, classes = (
        Asked(Said(stack(rng, task, kind, 30, n_classes)), np.arange(30)[:, None], n_classes),
        tuple("abcd"[:n_classes]),
    )
    calls = {"regression": ("rmse", "mse", "r2", "mae", "neg_mean_squared_error")}.get(
        task, ("accuracy", "log_loss", "error", "neg_log_loss", "f1_macro")
    )
    for call in calls:
        settings = {"classes": classes, "task": task, "positive": 1}
        each = [score(call, y, asked.at(i), **settings) for i in range(3)]  # type: ignore[arg-type]
        assert np.allclose(score_stacked(call, y, asked, **settings), each, rtol=1e-12, atol=0), call  # type: ignore[arg-type]


@given(seeds, st.integers(1, 400), st.integers(1, 4))
def test_rows_that_are_asked_in_turn_answer_as_all_at_once(seed: int, n_rows: int, n_classes: int) -> None:
    rng = np.random.default_rng(seed)
    coef, X = rng.normal(size=(3, 2, n_classes)), rng.normal(size=(n_rows, 2))
    asked = Asked(LinearFits(coef, rng.normal(size=(3, n_classes)), "proba", np.arange(n_classes)), X, n_classes)
    whole = asked.fits.answers(X, n_classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "_AT_ONCE", 1)
        parts = [answers.labels for _, answers in asked.in_turn()]
    assert np.array_equal(np.hstack(parts), whole.labels)
    assert all(np.allclose(asked.at(i).values, whole.at(i).values, rtol=0, atol=1e-12) for i in range(3))


@given(seeds, st.sampled_from([1e-3, 1.0, 1e3]))
def test_squared_errors_are_told_from_sums(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(50, 4)) + 100
    y = X @ rng.normal(size=4) + noise * rng.normal(size=50)
    fits = LinearFits(rng.normal(size=(3, 4, 1)), rng.normal(size=(3, 1)), "value", np.array([]))
    errors, sure = fits.squared_errors(Seen.of(X - 100, y, 0, products=True))
    wanted = ((fits.answers(X - 100, 0).values - y) ** 2).mean(axis=1)
    assert sure
    assert np.allclose(errors, wanted, rtol=1e-9, atol=0)


def test_errors_that_are_rounding_are_not_told_from_sums() -> None:
    X = np.random.default_rng(0).normal(size=(50, 2))
    exact = LinearFits(np.array([[[1.0], [2.0]], [[1.0], [3.0]]]), np.zeros((2, 1)), "value", np.array([]))
    assert not exact.squared_errors(Seen.of(X, X @ [1.0, 2.0], 0, products=True))[1]


@pytest.mark.parametrize("call", ["rmse", "mse", "r2", "neg_root_mean_squared_error"])
def test_metrics_of_squared_errors_are_known(call: str) -> None:
    assert is_of_squares(call)
    assert not is_of_squares("explained_variance")


def test_a_column_that_hardly_varies_within_a_class_is_told_exactly() -> None:
    rng = np.random.default_rng(1)
    y = np.arange(60) % 3
    X = np.column_stack([rng.normal(size=60), y + 1e-7 * rng.normal(size=60)])
    operator, context, smoothings = operators.get("gaussian_nb"), BuildContext("multiclass", n_classes=3), (1e-12, 1e-9)
    seen = Seen.of(X, y, 3, products=False)
    stacked = operator.learn_together(operator.complete({}), smoothings, context, seen).answers(X, 3)  # type: ignore[attr-defined]
    for i, value in enumerate(smoothings):
        wanted = GaussianNB(var_smoothing=value).fit(X, y).predict_proba(X)
        assert np.allclose(stacked.at(i).values, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_naive_bayes_ranks_rows_that_are_certain_as_scikit_learn_does(n_classes: int) -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, n_classes, 2000)
    noise = rng.normal(size=(2000, 3)) + 0.3 * y[:, None]
    rare = rng.random((2000, 4)) < 0.01 * (1 + np.arange(4))
    X = np.hstack([noise, rare & (y[:, None] > 0)])  # hardly any variance in one class: large logarithms
    operator, smoothings = operators.get("gaussian_nb"), (1e-2, 1e-5, 1e-8, 1e-10)
    context, seen = BuildContext("multiclass", n_classes=n_classes), Seen.of(X, y, n_classes, products=False)
    stacked = operator.learn_together(operator.complete({}), smoothings, context, seen).answers(X, n_classes)  # type: ignore[attr-defined]
    for i, value in enumerate(smoothings):
        wanted = GaussianNB(var_smoothing=value).fit(X, y).predict_proba(X)
        got = stacked.at(i).values
        for c in range(n_classes):
            assert roc_auc_score(y == c, got[:, c]) == pytest.approx(roc_auc_score(y == c, wanted[:, c]), abs=1e-9)
            assert abs((got[:, c] == 1).mean() - (wanted[:, c] == 1).mean()) < 0.005


@pytest.mark.parametrize("name", ["ridge", "multinomial_nb", "gaussian_nb", "lda"])
def test_a_class_without_train_rows_has_a_column(name: str) -> None:
    rng = np.random.default_rng(2)
    y = np.array([0, 2] * 20)
    X = np.abs(rng.normal(size=(40, 3))) + y[:, None]
    operator, context = operators.get(name), BuildContext("multiclass", n_classes=3)
    seen = Seen.of(X, y, 3, products=operator.products)  # type: ignore[attr-defined]
    params = operator.complete({operator.together: 0.1})  # type: ignore[attr-defined]
    stacked = operator.learn_together(params, (0.01, 0.1), context, seen).answers(X, 3)  # type: ignore[attr-defined]
    wanted = running.predict(operator.learn(params, context, seen), X, "multiclass", 3)  # type: ignore[attr-defined]
    assert stacked.kind == wanted.kind
    assert np.allclose(stacked.at(1).values[:, [0, 2]], wanted.values[:, [0, 2]], rtol=1e-9, atol=1e-9)
    assert np.array_equal(stacked.at(1).labels, wanted.labels)


def test_what_learns_together_wrongly_or_is_not_linear_anywhere_is_caught() -> None:
    class WrongRidge(type(operators.get("ridge"))):  # type: ignore[misc]
        def learn_together(self, params, values, context, seen):  # type: ignore[no-untyped-def]
            return super().learn_together(params, [value * 1.01 for value in values], context, seen)

    class WrongScale(type(operators.get("minmax"))):  # type: ignore[misc]
        anywhere = True

    with pytest.raises(AssertionError, match="answers otherwise"):
        sums.together(WrongRidge(), Branch.MATRIX, "regression")
    with pytest.raises(AssertionError, match="differ"):
        sums.linear(WrongScale(), Branch.NUMERIC, "binary")


def test_estimators_of_fused_fits_are_like_any_other() -> None:
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    operator, context = operators.get("logistic"), BuildContext("multiclass", n_classes=3)
    fits = operator.fit_together(operator.complete({}), (0.1, 5.0), context, X, y)  # type: ignore[attr-defined]
    params = operator.complete({"C": 5.0})
    taken, wanted = operator.alone(params, context, fits, 1), operator.build(params, context).fit(X, y)  # type: ignore[attr-defined]
    assert vars(taken).keys() == vars(wanted).keys()
    assert np.allclose(taken.coef_, wanted.coef_, rtol=1e-6)
    assert taken.n_iter_.tolist() == wanted.n_iter_.tolist()


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
@pytest.mark.parametrize(("sparse", "most_cells"), [(False, 0), (True, 0), (True, 9000)])
def test_penalties_of_a_path_are_those_of_fits_alone(
    penalty: str, sparse: bool, most_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mileage.operators.models.linear._MOST_CELLS", most_cells)
    rng = np.random.default_rng(4)
    X = np.where(rng.random((300, 6)) < 0.3, rng.normal(2.0, 1.0, size=(300, 6)), 0.0)
    y = 40 + X @ np.array([3.0, 1.0, 0.0, 0.0, -2.0, 0.5]) + rng.normal(size=300)
    rows = scipy.sparse.csr_matrix(X) if sparse else X
    operator, context, values = operators.get("linear"), BuildContext("regression", seed=3), (0.001, 0.3, 0.01)
    asked = operator.complete({"penalty": penalty})
    fits = operator.fit_together(asked, values, context, rows, y)  # type: ignore[attr-defined]
    for i, value in enumerate(values):
        params = {**asked, "alpha": value}
        taken, wanted = operator.alone(params, context, fits, i), operator.build(params, context).fit(rows, y)  # type: ignore[attr-defined]
        assert vars(wanted).keys() <= vars(taken).keys()
        assert np.allclose(taken.predict(rows), wanted.predict(rows), atol=0.01 * y.std())
        assert np.allclose(taken.predict(rows), fits.answers(rows, 0).values[i])
    assert not operator.can_fuse(operator.complete({}))  # type: ignore[attr-defined]


def test_what_goes_wrong_in_a_round_ends_all() -> None:
    def broken(who: list[int], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        minimize_together(broken, np.zeros((3, 2)), {})
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("minimizer")]


def test_what_cannot_be_fitted_is_refused_as_scikit_learn_does() -> None:
    operator, context = operators.get("linear"), BuildContext("regression")
    with pytest.raises(ValueError, match="NaN"):
        operator.fit_together(operator.complete({"penalty": "l1"}), (0.1, 1.0), context, np.array([[np.nan]]), [1.0])  # type: ignore[attr-defined]
    operator, context = operators.get("logistic"), BuildContext("binary")
    for X, y, match in ((np.array([[np.nan], [1.0]]), [0, 1], "NaN"), (np.ones((2, 1)), [1, 1], "only one class")):
        with pytest.raises(ValueError, match=match):
            operator.fit_together(operator.complete({}), (0.1, 1.0), context, X, np.array(y))  # type: ignore[attr-defined]
