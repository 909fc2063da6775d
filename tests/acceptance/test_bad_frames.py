"""Frames that are none, are empty, or hold what SQL has no word for: one clear error, or a defined result."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mileage
from mileage.errors import MileError

N = 28
QUERY = "PREDICT {} FROM :df VALIDATE BY 2 FOLDS WITH MODEL = logistic(C = 1.0) BUDGET 1 trials"
PLAIN = QUERY.format("y")
FIRST, LAST = dt.datetime.min, dt.datetime.max.replace(microsecond=0)  # noqa: DTZ901  (a table has no zone)


@pytest.fixture
def frame():
    at = np.arange(N)
    return pd.DataFrame({"a": at % 7, "b": list("pqrp") * 7, "y": np.where(at % 7 > 3, "yes", "no")})


@pytest.fixture
def run(folder):
    with mileage.connect(folder, backend="inline") as session:
        yield lambda df, query=PLAIN: session.run(query, frames={"df": df})


@pytest.mark.parametrize("thing", [[1, 2], {"a": [1]}, None, np.zeros((3, 3)), "t.csv", pl.LazyFrame({"a": [1]})])
def test_what_is_no_frame_is_refused(run, thing):
    with pytest.raises(MileError, match=f":df is a {type(thing).__name__}") as caught:
        run(thing)
    assert caught.value.code == "D405" and caught.value.hint


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda df: df.iloc[:0], ":df has no rows"),
        (lambda df: pd.DataFrame(index=range(3)), ":df has no columns"),
        (lambda df: pa.table({}), ":df has no columns"),
    ],
)
def test_an_empty_frame_is_refused(run, frame, make, said):
    with pytest.raises(MileError, match=said) as caught:
        run(make(frame))
    assert caught.value.code == "D410"


@pytest.mark.parametrize(
    ("columns", "target", "features"),
    [
        (["a", "a", "y"], "y", ("a", "a_1")),
        (["", " ", "y"], "y", ("column0", "column1")),
        ([0, 1, 2], '"2"', ("0", "1")),
        ([("a", 1), ("b", 1), "y"], "y", ("('a', 1)", "('b', 1)")),
        (["a\nb", "select", "y"], "y", ("a\nb", "select")),
    ],
)
def test_columns_of_any_name_are_read(run, frame, columns, target, features):
    frame.columns = columns
    result = run(frame, QUERY.format(target))
    assert result.plan.features.names == features
    assert result.trial("w1").mean("roc_auc") > 0.9


CELLS = {
    "lists": (lambda i: [i, 1], None),
    "dicts": (lambda i: {"k": i}, None),
    "lists and words": (lambda i: [i] if i % 2 else "x", "categorical"),
    "numbers and words": (lambda i: i % 3 if i % 2 else "x", "categorical"),
    "bytes": (lambda i: b"x%d" % i, None),
    "decimals": (lambda i: decimal.Decimal(i) / 3, "numeric"),
    "numbers beyond 64 bits": (lambda i: 2**70 + i, "numeric"),
    "infinite numbers": (lambda i: float("inf") if i % 3 else i * 1.5, "numeric"),
    "times of several zones": (
        lambda i: dt.datetime(2020, 1, 1, i % 20, tzinfo=dt.timezone(dt.timedelta(hours=i % 3))), "datetime"
    ),
    "times near the ends": (lambda i: FIRST if i % 2 else LAST - dt.timedelta(days=i), "datetime"),
    "complex numbers": (lambda i: complex(i % 3, 1), "categorical"),
}  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_cells_of_any_type_are_read_or_told(run, frame, name):
    make, kind = CELLS[name]
    result = run(frame.assign(odd=pd.Series([make(i) for i in range(N)], dtype=object)))
    if kind is None:
        assert any(a.text.startswith("odd is left out: no operator reads") for a in result.plan.assumptions)
    else:
        assert "odd" in getattr(result.plan.features, kind)
    assert result.trial("w1").mean("roc_auc") is not None


COLUMNS = {
    "zoned times": (lambda: pd.date_range("2020-01-01", periods=N, tz="Europe/Berlin"), "datetime"),
    "periods": (lambda: pd.period_range("2020-01", periods=N, freq="M"), "datetime"),
    "intervals": (lambda: pd.cut(pd.Series(range(N)), 3), "categorical"),
    "sparse": (lambda: pd.arrays.SparseArray(np.arange(N) % 2), "numeric"),
    "nullable": (lambda: pd.array([1, None] * (N // 2), dtype="Int64"), "numeric"),
    "durations": (lambda: pd.to_timedelta(np.arange(N), unit="h"), "numeric"),
    "nothing": (lambda: pd.Series([None] * N), None),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_any_type_are_read_or_told(run, frame, name):
    make, kind = COLUMNS[name]
    result = run(frame.assign(odd=make()))
    assert [k for k in ("numeric", "categorical", "text", "datetime") if "odd" in getattr(result.plan.features, k)] == [
        kind
    ] * (kind is not None)


def test_times_of_a_zone_deal_the_rows(run, frame):
    zoned = frame.assign(t=pd.date_range("2020-01-01", periods=N, tz="Europe/Berlin"))
    query = "PREDICT y FROM :df VALIDATE BY HOLDOUT 25% IN ORDER OF t WITH MODEL = logistic(C = 1.0) BUDGET 1 trials"
    assert run(zoned, query).trial("w1").mean("roc_auc") > 0.9


@pytest.mark.parametrize(
    ("values", "classes", "missing"),
    [
        (lambda at: at % 7 > 3, ("false", "true"), 0),
        (lambda at: pd.array([None, *(at[1:] % 7 > 3)], dtype="boolean"), ("false", "true"), 1),
        (lambda at: pd.Categorical(np.where(at % 7 > 3, "b", "a"), categories=["a", "b", "never"]), ("a", "b"), 0),
        (lambda at: np.where(at % 7 > 3, "nan", "x"), ("nan", "x"), 0),
    ],
)
def test_targets_of_any_type_are_classes(run, frame, values, classes, missing):
    result = run(frame.assign(y=values(np.arange(N))))
    assert sorted(result.plan.classes) == list(classes)
    assert result.plan.target_profile.n_missing == missing
    assert {str(value).lower() for value in result["w1"].predict(frame)} <= set(classes)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (pd.date_range("2020-01-01", periods=N), "D421"),
        ([[i % 2] for i in range(N)], "D421"),
        ([f"name {i}" for i in range(N * 3)][:N], "D424"),
    ],
)
def test_targets_that_cannot_be_predicted_are_refused(run, frame, values, code):
    big = pd.concat([frame] * 3, ignore_index=True) if code == "D424" else frame
    made = [f"name {i}" for i in range(len(big))] if code == "D424" else values
    with pytest.raises(MileError) as caught:
        run(big.assign(y=made))
    assert caught.value.code == code and caught.value.hint


def test_decimals_are_a_target(run, frame):
    made = frame.assign(y=[decimal.Decimal(i % 7) / 8 for i in range(N)])
    query = "PREDICT y FROM :df VALIDATE BY 2 FOLDS WITH MODEL = ridge BUDGET 1 trials"
    assert run(made, query).plan.task == "regression"
