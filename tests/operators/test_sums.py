"""Sums over rows of folds: merged they are those of all rows, far from zero too, and they map as columns do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mileage.operators import Branch, operators
from mileage.operators.layout import Layout
from mileage.operators.sums import Seen, State, without_each
from mileage.testing.laws import sums


@given(st.integers(0, 2**16), st.integers(2, 6), st.sampled_from([0.0, 1e6]))
def test_the_sums_of_all_parts_but_one_are_those_of_their_rows(seed: int, n_parts: int, far: float) -> None:
    rng = np.random.default_rng(seed)
    X, y = pd.DataFrame(rng.normal(size=(40, 3)) + far, columns=list("abc")), rng.integers(0, 3, 40)
    part_of = rng.permutation(np.arange(40) % n_parts)
    both = [_without_each(X, y, part_of, products=products) for products in (True, False)]
    for i, (with_products, with_squares) in enumerate(zip(*both, strict=True)):
        rest = X[part_of != i].to_numpy()
        off = rest - rest.mean(axis=0)
        assert with_products.sums.n == with_squares.sums.n == len(rest)
        assert np.allclose(with_products.mean, rest.mean(axis=0), rtol=1e-12)
        assert np.allclose(with_products.products, off.T @ off, rtol=0, atol=1e-8)
        assert np.allclose(with_squares.squares, with_products.squares, rtol=0, atol=1e-8)
        for c in range(3):
            mine = rest[y[part_of != i] == c]
            if len(mine):
                wanted = mine.var(axis=0) * len(mine)
                assert np.allclose(with_squares.class_squares[c], wanted, rtol=0, atol=1e-8)


def _without_each(X: pd.DataFrame, y: np.ndarray, part_of: np.ndarray, *, products: bool) -> list[Seen]:
    layout = Layout.about(X, list(X.columns))
    rows = [part_of == i for i in range(part_of.max() + 1)]
    parts = [State.of(layout, X[own], y[own], 3, products=products) for own in rows]
    return [Seen.leaf(state, list(X.columns), 3) for state in without_each(parts)]


def test_a_column_that_is_constant_on_the_train_rows_is_scaled_as_the_scaler_does() -> None:
    X = pd.DataFrame({"a": [5.1, 5.1, 5.1, 7.0], "b": [1.0, 2.0, 4.0, 8.0]})
    layout = Layout.about(X, ["a", "b"])
    parts = [State.of(layout, X.iloc[rows], np.zeros(len(rows)), 0, products=False) for rows in ([3], [0, 1, 2])]
    seen = Seen.leaf(without_each(parts)[0], ["a", "b"], 0)
    scaler = operators.get("standard").learn({}, None, seen)  # type: ignore[attr-defined]
    wanted = operators.get("standard").build({}, None).fit(X.iloc[:3])  # type: ignore[arg-type]
    assert np.allclose(scaler.scale_, wanted.scale_)
    assert scaler.scale_[0] == 1.0
    assert list(scaler.feature_names_in_) == list(wanted.feature_names_in_)


def test_missing_values_that_nothing_has_filled_are_refused() -> None:
    X = pd.DataFrame({"a": [1.0, None, 3.0]})
    layout = Layout.about(X, ["a"])
    seen = Seen.leaf(State.of(layout, X, np.zeros(3), 0, products=True), ["a"], 0)
    with pytest.raises(ValueError, match="NaN"):
        seen.check_known()
    seen.filled(np.array([2.0])).check_known()


def test_what_is_learned_wrongly_or_maps_otherwise_is_caught() -> None:
    class Wrong(type(operators.get("standard"))):  # type: ignore[misc]
        def learn(self, params, context, seen):  # type: ignore[no-untyped-def]
            made = super().learn(params, context, seen)
            made.scale_ = made.scale_ * (1 + 1e-6)
            return made

        def through(self, fitted, seen):  # type: ignore[no-untyped-def]
            return seen.scaled(fitted.mean_, fitted.scale_ * (1 + 1e-6))

    for law in (sums.from_sums, sums.linear):
        law(operators.get("standard"), Branch.NUMERIC, "binary")
        with pytest.raises(AssertionError, match="differ"):
            law(Wrong(), Branch.NUMERIC, "binary")


@pytest.mark.parametrize("params", [{}, {"min_frequency": 30}, {"max_categories": 3}, {"min_frequency": 1}])
def test_categories_are_encoded_alike_however_rare_levels_are_told(params: dict[str, int]) -> None:
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"a": rng.choice(list("uvwx"), 90, p=[0.6, 0.3, 0.08, 0.02]), "b": rng.choice(list("pqrst"), 90)})
    X.loc[::7, "b"] = None
    X = X.astype("str")
    operator, part_of = operators.get("one_hot"), np.arange(90) % 3
    layout = Layout.about(X, (), ["a", "b"])
    parts = [State.of(layout, X[part_of == i], np.zeros(30, dtype=np.int64), 2, products=False) for i in range(3)]
    for i, told in enumerate(without_each(parts)):
        complete = operator.complete(params)
        learned = operator.learn(complete, None, Seen.leaf(told, ["a", "b"], 2))  # type: ignore[attr-defined]
        wanted = operator.build(complete, None).fit(X[part_of != i])  # type: ignore[arg-type]
        assert np.array_equal(learned.transform(X).toarray(), wanted.transform(X).toarray())
        assert learned.get_feature_names_out().tolist() == wanted.get_feature_names_out().tolist()


@given(st.integers(0, 2**16), st.booleans())
def test_cells_are_shown_through_weights_as_their_matrix_is(seed: int, some: bool) -> None:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=20) + 1e3, "b": rng.normal(size=20), "c": rng.choice(list("uvw"), 20)})
    X.loc[rng.random(20) < 0.2, "b"] = np.nan
    cells = Layout.about(X, ["a", "b"], ["c"]).read(X).take(np.flatnonzero(rng.random(20) < 0.5) if some else None)
    weights, offset = rng.normal(size=(cells.layout.width, 3)), rng.normal(size=3)
    shown = cells.through(weights, offset, np.full(3, -1))
    assert np.allclose(shown, cells.matrix(0, 20) @ weights + offset, rtol=0, atol=1e-9)


def test_cells_that_nothing_has_filled_are_not_shown() -> None:
    X = pd.DataFrame({"a": [1.0, None, 3.0]})
    cells = Layout.about(X, ["a"]).read(X)
    marks = np.array([1])
    with pytest.raises(ValueError, match="NaN"):
        cells.through(np.eye(2)[:, :1], np.zeros(1), marks)
    assert cells.take(np.array([0, 2])).through(np.eye(2)[:, :1], np.zeros(1), marks).tolist() == [[-1.0], [1.0]]
