"""Narrow matrices are read as the wide ones they were, but for the last digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mileage.workflow.flow.narrow import Narrow, narrowed, widened

numbers = st.floats(-1e30, 1e30) | st.just(float("nan"))


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=numbers))
@example(np.array([[5e-324, 1.0], [1e-320, 2e-310]]))
def test_half_precision_keeps_three_digits_of_the_largest_of_a_column(X):
    again = widened(narrowed(X, "f16"))
    assert again.dtype == X.dtype
    assert (np.isnan(again) == np.isnan(X)).all()
    largest = np.nan_to_num(np.abs(X)).max(axis=0)
    assert (np.nan_to_num(np.abs(again - X)) <= largest * 2**-11).all()


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-1e6, 1e6, width=32)))
def test_eight_bits_keep_a_column_within_a_step_of_its_span(X):
    again = widened(narrowed(X, "u8"))
    span = X.max(axis=0).astype(float) - X.min(axis=0)
    assert (np.abs(again.astype(float) - X) <= span / 254 / 2 * 1.01 + np.abs(X) * 1e-6).all()


def test_ends_of_a_column_missing_and_yes_or_no_are_exact_in_eight_bits():
    X = np.array([[0.0, 5.0, np.nan], [1.0, 5.0, -3.0], [0.0, 5.0, 7.0]])
    np.testing.assert_array_equal(widened(narrowed(X, "u8")), X)


def test_infinite_values_stay_and_spoil_no_column():
    X = np.array([[np.inf, 1.0], [2.0, -np.inf]])
    for precision in ("f16", "u8"):
        np.testing.assert_array_equal(widened(narrowed(X, precision)), X)


@pytest.mark.parametrize(("precision", "share"), [("f16", 0.25), ("u8", 0.125)])
def test_bytes_are_saved(precision, share):
    X = np.random.default_rng(0).normal(size=(1000, 8))
    assert narrowed(X, precision).codes.nbytes == X.nbytes * share


def test_frames_keep_what_is_no_float_and_the_order_of_columns():
    frame = pd.DataFrame(
        {"a": [1, 2], "x": [0.5, 0.25], "s": ["u", "v"], "z": np.array([1.5, 2.5], dtype=np.float32)}, index=[7, 9]
    )
    made = narrowed(frame, "f16")
    assert isinstance(made, Narrow)
    pd.testing.assert_frame_equal(widened(made), frame)


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array])
def test_sparse_stays_sparse(kind):
    X = kind(np.array([[0.0, 0.5], [4.0, 0.0]]))
    made = widened(narrowed(X, "f16"))
    assert type(made) is type(X)
    np.testing.assert_array_equal(made.toarray(), X.toarray())


@pytest.mark.parametrize(
    "value", [np.arange(4), np.arange(3.0), "text", None, pd.DataFrame({"a": [1]}), pd.Series([1.0])]
)
def test_what_is_no_matrix_of_floats_is_left(value):
    assert narrowed(value, "f16") is value
    assert widened(value) is value


def test_full_precision_changes_nothing():
    X = np.eye(2)
    assert narrowed(X, "full") is X
