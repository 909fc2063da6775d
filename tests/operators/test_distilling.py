"""Rows are made up of rows, and a student learns what a teacher says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.operators import BuildContext, operators
from mileage.operators.distilling import made_up_rows
from mileage.workflow.student import Distilled


def frame(n: int, seed: int = 0) -> pd.DataFrame:
    """Return a table of numbers, some missing, categories and dates."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"b": rng.normal(size=n), "a": rng.integers(0, 9, n), "c": rng.choice(["x", "y", None], n)})
    made.loc[::5, "b"] = np.nan
    made["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D")
    return made


@given(st.integers(1, 40), st.integers(1, 3), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_value_is_made_up(n: int, times: int, swap: float, seed: int) -> None:
    X = frame(n)
    made = made_up_rows(X, times, swap, seed)
    assert len(made) == n * (1 + times)
    assert made.dtypes.tolist() == X.dtypes.tolist()
    pd.testing.assert_frame_equal(made.head(n), X)
    for name in X:
        assert set(made[name].dropna()) <= set(X[name].dropna())


def test_values_come_from_rows_nearby() -> None:
    rng = np.random.default_rng(1)
    centre = rng.integers(0, 2, 400) * 100.0
    X = pd.DataFrame({name: centre + rng.normal(size=400) for name in "abcd"})
    made = made_up_rows(X, 2, 0.5, 0)
    assert (made.max(axis=1) - made.min(axis=1) < 50).mean() > 0.95  # rarely of both clusters


def test_the_order_of_columns_does_not_matter() -> None:
    X = frame(30)
    made, other = made_up_rows(X, 2, 0.4, 7), made_up_rows(X[["c", "when", "a", "b"]], 2, 0.4, 7)
    pd.testing.assert_frame_equal(made, other[X.columns])
    assert not made.equals(made_up_rows(X, 2, 0.4, 8))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_soft_trees_learn_probabilities(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    told = np.exp(np.outer(X[:, 0], np.arange(n_classes)))
    told /= told.sum(axis=1, keepdims=True)
    context = BuildContext("binary" if n_classes == 2 else "multiclass", 800, 3, n_classes)
    operator = operators.get("soft_trees")
    student = operator.build(operator.complete({}), context).fit(X, told)
    said = student.predict_proba(X)
    assert np.allclose(said.sum(axis=1), 1)
    assert np.abs(said - told).mean() < 0.02
    # codes are the probabilities 0 and 1
    codes = told.argmax(axis=1)
    by_codes = operator.build(operator.complete({}), context).fit(X, codes).predict_proba(X)
    by_ones = operator.build(operator.complete({}), context).fit(X, np.eye(n_classes)[codes]).predict_proba(X)
    assert np.array_equal(by_codes, by_ones)


def test_a_distilled_classifier_has_the_classes_of_its_teacher() -> None:
    from sklearn.base import is_classifier
    from sklearn.linear_model import LogisticRegression

    X = pd.DataFrame({"a": np.linspace(-1, 1, 60)})
    y = np.where(X["a"] > 0, "yes", "no")
    operator = operators.get("soft_trees")
    student = operator.build(operator.complete({}), BuildContext("binary", 60, 1, 2))
    made = Distilled(LogisticRegression(), student, ["a"], 3, 0.3, 0)
    assert is_classifier(made)
    made.fit(X, y)
    assert made.classes_.tolist() == ["no", "yes"]
    assert (made.predict(X) == y).mean() > 0.9
