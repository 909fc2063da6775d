"""The profile says what columns hold and mean."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pytest

from mileage.data import DType, Kind, Profile, profile, profile_target
from mileage.data import profile as take
from mileage.errors import DataError

N = 400
rng = np.random.default_rng(0)
TABLE = pa.table({
    "customer_id": np.arange(N) * 3 + 7,
    "row": np.arange(N),
    "age": rng.integers(18, 90, N),
    "income": rng.normal(40_000, 9_000, N),
    "flag": rng.random(N) < 0.5,
    "job": rng.choice(["cook", "nurse", "driver"], N),
    "review": [" ".join(f"w{k}" for k in rng.integers(0, 500, 9)) for _ in range(N)],
    "zip": [f"{k:05d}" for k in rng.integers(0, 300, N)],
    "amount": [f"{k:.2f}" for k in rng.random(N)],
    "since": [f"2020-01-{k:02d}" for k in rng.integers(1, 29, N)],
    "born": [f"{k:02d}.03.1980" for k in rng.integers(1, 29, N)],
    "uuid": [f"{k:08x}-{i}" for i, k in enumerate(rng.integers(0, 2**31, N))],
    "same": ["x"] * N,
    "nothing": pa.nulls(N, pa.float64()),
    "list": [[1, 2]] * N,
    "half": [None if i % 2 else 1.0 for i in range(N)],
})  # fmt: skip
KINDS = {
    "customer_id": Kind.IDENTIFIER, "row": Kind.IDENTIFIER, "age": Kind.NUMERIC, "income": Kind.NUMERIC,
    "flag": Kind.NUMERIC, "job": Kind.CATEGORICAL, "review": Kind.TEXT, "zip": Kind.CATEGORICAL,
    "amount": Kind.NUMERIC, "since": Kind.DATETIME, "born": Kind.DATETIME, "uuid": Kind.IDENTIFIER,
    "same": Kind.CONSTANT, "nothing": Kind.CONSTANT, "list": Kind.UNSUPPORTED, "half": Kind.NUMERIC,
}  # fmt: skip


@pytest.fixture
def seen(database):
    return profile(database.bind_frame(TABLE))


def test_kinds_are_inferred(seen):
    assert {c.name: c.kind for c in seen.columns} == KINDS


def test_a_wide_table_has_the_kinds_and_figures_of_a_narrow_one(database, seen):
    more = pa.table({f"c{i}": rng.random(N) for i in range(250)})
    both = pa.table([*TABLE.columns, *more.columns], names=[*TABLE.column_names, *more.column_names])
    wide = profile(database.bind_frame(both))
    for column in seen.columns:
        other = wide.find(column.name)
        assert (other.kind, other.n_missing, other.n_distinct) == (column.kind, column.n_missing, column.n_distinct)
        assert (other.min, other.max) == (column.min, column.max)
        for ours, theirs in zip(
            (other.mean, other.sd, *other.quantiles), (column.mean, column.sd, *column.quantiles), strict=True
        ):
            assert ours == pytest.approx(theirs)


def test_figures_are_those_of_numpy(seen):
    income, c = TABLE["income"].to_numpy(), seen.find("income")
    assert (c.n_missing, c.n_distinct, c.dtype) == (0, N, DType.FLOAT)
    assert (c.min, c.max, c.mean, c.sd) == pytest.approx(
        (income.min(), income.max(), income.mean(), income.std(ddof=1))
    )
    assert c.quantiles == pytest.approx(np.quantile(income, [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert seen.find("half").n_missing == N // 2
    assert seen.find("nothing").n_missing == N
    assert seen.find("job").top[0][1] == max(TABLE["job"].to_pylist().count(job) for job in ("cook", "nurse", "driver"))
    assert seen.find("review").words == pytest.approx(9)


def test_a_profile_goes_to_json_and_back(seen):
    assert Profile.from_json(json.loads(json.dumps(seen.to_json()))) == seen


def test_copies_of_rows_are_counted(database):
    assert (
        profile(database.bind_frame(pa.table({"a": [1, 1, None, None], "b": ["x", "x", "y", "z"]}))).n_duplicate_rows
        == 1
    )


def test_a_sample_scales_counts(database):
    made = database.bind_frame(pa.table({"a": [None if i % 2 else float(i) for i in range(10_000)]}))
    part = profile(made, sample=999)
    assert part.n_rows == 10_000
    assert profile(made).columns[0].n_missing == 5000


def test_infinite_numbers_count_as_missing(database):
    seen = profile(database.bind_frame(pa.table({"x": [1.0, float("inf"), float("nan"), None, 2.0]})))
    assert (seen.columns[0].n_missing, seen.columns[0].max) == (3, 2.0)


@pytest.mark.parametrize("wide", [False, True])
def test_numbers_near_the_largest_do_not_stop_the_profile(database, wide):
    columns = {"x": [1.7e308, -1.7e308, 1.7e308], "y": [1.0, 2.0, 3.0]} | (
        {f"c{i}": [1, 2, 3] for i in range(300)} if wide else {}
    )
    seen = profile(database.bind_frame(pa.table(columns)))
    assert seen.find("x").max == 1.7e308
    assert seen.find("x").kind is Kind.NUMERIC


def test_a_category_may_have_a_hundred_thousand_levels(database):
    levels = pa.array([f"level {i % 100_000}x" for i in range(250_000)])
    column = profile(
        database.bind_frame(pa.table({"a": pa.array([f"k{i % 100_000}" for i in range(250_000)]), "b": levels}))
    ).columns[0]
    assert (column.kind, column.n_distinct) == (Kind.CATEGORICAL, 100_000)
    assert column.looks == ("100,000 categories",)


def test_thousands_of_columns_take_a_few_statements(database, monkeypatch):
    values = [pa.array(rng.random(40)), pa.array(["a", "b"] * 20), pa.array(range(40)), pa.array(["2020-01-03"] * 40)]
    table = pa.table([values[i % 4] for i in range(4_000)], names=[f"c{i}" for i in range(4_000)])
    bound, statements, rows = database.bind_frame(table), [], type(database).rows
    monkeypatch.setattr(type(database), "rows", lambda self, sql: [statements.append(sql), rows(self, sql)][1])
    seen = profile(bound)
    assert len(seen.columns) == 4_000
    assert [c.kind for c in seen.columns[:4]] == [Kind.NUMERIC, Kind.CATEGORICAL, Kind.IDENTIFIER, Kind.CONSTANT]
    assert len(statements) < 12


def test_one_row_and_all_null_columns_have_a_profile(database):
    seen = take(
        database.bind_frame(
            pa.table({"a": [1.0], "b": pa.array([None], pa.string()), "c": pa.array([None], pa.int64())})
        )
    )
    assert [c.kind for c in seen.columns] == [Kind.CONSTANT] * 3


@pytest.mark.parametrize(
    ("values", "task", "positive"),
    [
        (["no", "yes"] * 30, "binary", "yes"),
        (["<=50K"] * 40 + [">50K"] * 20, "binary", ">50K"),
        (["alive"] * 20 + ["dead"] * 40, "binary", "dead"),
        (["not spam"] * 20 + ["junk"] * 40, "binary", "junk"),
        ([True, False, None] * 20, "binary", "true"),
        ([0, 1] * 30, "binary", "1"),
        ([0.0, 1.0, None] * 30, "binary", "1.0"),
        (["a", "b", "c"] * 20, "multiclass", None),
        ([1, 2, 3] * 20, "multiclass", None),
        ([1.0, 2.0, 3.0, None] * 20, "multiclass", None),
        ([1, 2, 3] * 3, "regression", None),
        ([0, 1, 2] * 20, "multiclass", None),
        ([3, 4, 5, 6] * 20, "regression", None),
        ([5, 10, 20] * 20, "regression", None),
        ([1.5, 2.25, 3.0] * 20, "regression", None),
        (list(range(100)), "regression", None),
        (["1.5", "2.5", "3.5"] * 20, "multiclass", None),
        ([str(i) for i in range(60)], "regression", None),
    ],
)
def test_the_task_is_inferred_with_a_reason(database, values, task, positive):
    found = profile_target(database.bind_frame(pa.table({"y": values})), "y")
    assert (found.task, found.positive) == (task, positive)
    assert found.reason
    assert found.n_missing == values.count(None)
    assert sum(found.counts) == (0 if task == "regression" else len(values) - values.count(None))
    assert list(found.classes) == sorted(found.classes)


def test_the_distribution_of_a_number_is_told(database):
    values = np.exp(rng.normal(size=500)) * 1e200
    found = profile_target(database.bind_frame(pa.table({"y": values})), "y")
    assert found.mean == pytest.approx(values.mean())
    assert found.skew > 1


@pytest.mark.parametrize(
    ("values", "task", "code"),
    [
        ([None, None], None, "D420"),
        ([[1], [2]], None, "D421"),
        (["a", "b"], "regression", "D422"),
        (["a", "a"], None, "D423"),
        ([1.5, 1.5], "regression", "D423"),
        ([f"n{i}" for i in range(100)], None, "D424"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_one_error(database, values, task, code):
    with pytest.raises(DataError) as caught:
        profile_target(database.bind_frame(pa.table({"y": values})), "y", task)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("values", "kind", "n_missing", "first"),
    [
        ([f"${i + 1000:,}.50" for i in range(60)], Kind.NUMERIC, 0, 1000.5),
        ([f"{i} €" for i in range(60)], Kind.NUMERIC, 0, 0.0),
        ([f"{i}.5%" for i in range(60)], Kind.NUMERIC, 0, 0.5),
        ([f"{i}" if i % 6 else " " for i in range(1, 61)], Kind.NUMERIC, 10, 1.0),
        ([f"{i}" if i % 6 else "N/A" for i in range(1, 61)], Kind.NUMERIC, 10, 1.0),
        (["2020-01-02", *["unknown"] * 5, *[f"2020-02-{i:02d}" for i in range(1, 29)]], Kind.DATETIME, 5, None),
        ([f"{i},5" for i in range(60)], Kind.CATEGORICAL, 0, None),
        ([f"{1 + i % 12}/{1 + i % 28}/2020" for i in range(60)], Kind.CATEGORICAL, 0, None),
        (["?"] * 59 + ["1"], Kind.CATEGORICAL, 0, None),
        ([f"10.0.0.{i}" for i in range(60)], Kind.IDENTIFIER, 0, None),
        ([f"0,{i:03d}" for i in range(60)], Kind.CATEGORICAL, 0, None),
    ],
    ids=["dollars", "euros", "percent", "blanks", "words", "dates", "commas", "slashes", "gaps", "addresses", "small"],
)
def test_what_texts_mean(database, values, kind, n_missing, first):
    dataset = database.bind_frame(pa.table({"v": values}))
    column = profile(dataset).columns[0]
    assert (column.kind, column.n_missing) == (kind, n_missing), column.looks
    read = dataset.frame([("v", kind)])["v"]
    assert read.isna().sum() == n_missing
    assert first is None or read[0] == first


def test_times_of_day_and_durations_are_hours(database):
    times = pa.array([3600 * i for i in range(24)], pa.time32("s"))
    spans = pa.array([1800 * i for i in range(24)], pa.duration("s"))
    dataset = database.bind_frame(pa.table({"at": times, "took": spans}))
    seen = profile(dataset)
    assert [(c.kind, c.max) for c in seen.columns] == [(Kind.NUMERIC, 23), (Kind.NUMERIC, 11.5)]
    assert dataset.frame([("at", Kind.NUMERIC)])["at"].tolist() == list(range(24))


def test_dates_with_a_zone_are_read_in_one(database):
    zoned = pa.array([1_600_000_000 + 86_400 * i for i in range(30)], pa.timestamp("s", tz="Europe/Berlin"))
    column = profile(database.bind_frame(pa.table({"d": zoned}))).columns[0]
    assert (column.kind, column.min) == (Kind.DATETIME, "2020-09-13 12:26:40")
    assert database.rows("SELECT 1") == [(1,)]


def test_texts_that_repeat_are_matched_once_each_with_the_same_figures(database, monkeypatch):
    words = ["12", "007", "n/a", "2021-03-04", "3,5", " x ", "", None, "$1,200", "a" * 60]
    table = pa.table({"few": words * 30, "all": [f"{i},5" if i % 3 else f"0{i}" for i in range(300)], "k": range(300)})
    at_once = profile(database.bind_frame(table))
    module = sys.modules[profile.__module__]
    monkeypatch.setattr(module, "_REPEATING_ROWS", 100)
    assert profile(database.bind_frame(table)) == at_once
    monkeypatch.setattr(module, "_FEW_OF_ALL", 2.0)
    assert profile(database.bind_frame(table)) == at_once
