"""Each monitor finds what it watches for, and nothing in clean data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mileage.data import Kind, SourceSpec, SplitSpec, profile, profile_target
from mileage.monitors import WatchContext, monitors

N = 600
rng = np.random.default_rng(0)
CLEAN = {
    "age": rng.normal(size=N),
    "job": rng.choice(["cook", "nurse", "driver"], N),
    "y": rng.choice(["no", "yes"], N),
}


@pytest.fixture
def watch(database):
    def run(columns, name=None, *, target="y", splits=None, features=None):
        dataset = database.bind_frame(pa.table(columns))
        seen = profile(dataset)
        chosen = features or tuple(
            c.name for c in seen.columns if c.name != target and c.kind not in {Kind.CONSTANT, Kind.UNSUPPORTED}
        )
        context = WatchContext(dataset, seen, target, profile_target(dataset, target), chosen, splits or SplitSpec())
        return tuple(f for m in monitors if name in {None, m.name} for f in m.watch(context))

    return run


def test_clean_data_has_no_findings(watch):
    assert watch(CLEAN) == ()


def test_all_monitors_are_found():
    assert monitors.names() == (
        "constant_columns", "duplicate_rows", "entity_groups", "identifier_feature", "leak", "missing_target", "missing_values", "rare_class", "reading", "time_order", "unread_values",
    )  # fmt: skip


def test_findings_are_plain_data(watch):
    [found] = watch(CLEAN | {"same": ["x"] * N})
    assert found.code == "W325"
    assert found.to_json()["message"] == "same has one value only"


def test_an_identifier_among_the_features(watch):
    [found] = watch(CLEAN | {"customer id": np.arange(N)}, "identifier_feature")
    assert (found.code, found.columns) == ("W320", ("customer id",))
    assert found.suggestion == 'KNOWING "customer id" IS IDENTIFIER'


@pytest.mark.parametrize(
    "leak",
    [
        [f"{y}!" for y in CLEAN["y"]],
        np.where(CLEAN["y"] == "yes", 10.0, 0.0) + rng.normal(size=N) * 0.1,
        [1.0 if y == "yes" else None for y in CLEAN["y"]],
    ],
    ids=["category", "number", "missing"],
)
def test_a_feature_that_is_the_target_in_disguise(watch, leak):
    [found] = watch(CLEAN | {"leak": leak}, "leak")
    assert (found.code, found.columns, found.suggestion) == ("W322", ("leak",), "KNOWING leak IS LEAKY")


def test_a_number_that_is_the_target_in_another_unit(watch):
    y = rng.normal(size=N)
    found = watch({"a": rng.normal(size=N), "cm": y * 100, "y": y}, "leak")
    assert [f.columns for f in found] == [("cm",)]


def test_a_good_feature_is_no_leak(watch):
    good = np.where(CLEAN["y"] == "yes", 2.0, 0.0) + rng.normal(size=N)
    assert watch(CLEAN | {"good": good, "name": [f"n{i}" for i in range(N)]}, "leak") == ()


def test_copies_of_rows(watch):
    twice = {name: np.concatenate([values, values[:60]]) for name, values in CLEAN.items()}
    [found] = watch(twice, "duplicate_rows")
    assert (found.code, found.evidence["rows"]) == ("W323", 60)
    assert found.suggestion.startswith("FROM (SELECT DISTINCT * FROM")


def test_classes_that_not_every_fold_can_have(watch):
    y = ["a"] * (N - 5) + ["b"] * 3 + ["c"] * 2
    [found] = watch(CLEAN | {"y": y}, "rare_class")
    assert (found.code, found.suggestion) == ("W324", "VALIDATE BY 2 FOLDS")
    assert found.message == "2 classes have fewer rows than the 5 folds: c, b"


def test_a_class_of_one_row_has_no_suggestion_that_fails(watch):
    [found] = watch(CLEAN | {"y": ["a"] * 300 + ["b"] * (N - 301) + ["c"]}, "rare_class")
    assert found.suggestion is None


def test_features_that_are_mostly_missing(watch):
    [found] = watch(CLEAN | {"few": [1.0 * i if i % 4 == 0 else None for i in range(N)]}, "missing_values")
    assert (found.code, found.evidence) == ("W328", {"few": 0.75})


def test_rows_of_one_entity(watch):
    columns = CLEAN | {"patient_id": rng.integers(0, 100, N)}
    [found] = watch(columns, "entity_groups")
    assert (found.code, found.suggestion) == ("W326", "VALIDATE BY 5 FOLDS KEEPING patient_id TOGETHER")
    assert watch(columns, "entity_groups", splits=SplitSpec(groups=("patient_id",))) == ()


DAYS = [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2020" for i in range(N)]


def test_dates_that_put_rows_in_order(watch):
    columns = CLEAN | {"sold at": [f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)]}
    [found] = watch(columns, "time_order")
    assert (found.code, found.suggestion) == ("W329", 'VALIDATE BY 5 FOLDS IN ORDER OF "sold at"')
    assert watch(columns, "time_order", splits=SplitSpec(order_by="sold at")) == ()


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        ("zip", [10_000 + 7 * (i % 300) for i in range(N)], "KNOWING zip IS CATEGORICAL"),
        ("amount", [f"{i},5" for i in range(N)], "TRY_CAST(replace(\"amount\", ',', '.') AS DOUBLE)"),
        ("big", [1e300 * (i - 50) for i in range(N)], 'greatest(-1e38, least(1e38, "big"))'),
        ("day", DAYS, "try_strptime(\"day\", '%d/%m/%Y')"),
        ("day", [f"{d[3:5]}/{d[:2]}/{d[6:]}" for d in DAYS], "try_strptime(\"day\", '%m/%d/%Y')"),
    ],
)
def test_values_that_could_be_read_in_a_better_way(watch, database, name, values, wanted):
    rows = np.random.default_rng(3).permutation(N)
    [found] = watch(CLEAN | {name: [values[i] for i in rows]}, "unread_values")
    assert (found.code, found.columns) == ("W330", (name,))
    assert wanted in found.suggestion
    if found.suggestion.startswith("FROM"):
        read = database.bind(SourceSpec("sql", found.suggestion.removeprefix("FROM (").removesuffix(")")))
        column = profile(read).find(name)
        assert column.kind in {Kind.NUMERIC, Kind.DATETIME}
        assert column.n_missing == 0


def test_dates_whose_order_cannot_be_told_have_no_suggestion(watch):
    [found] = watch(CLEAN | {"day": [f"0{1 + i % 9}/0{1 + i % 7}/2020" for i in range(N)]}, "unread_values")
    assert found.suggestion is None


def test_rows_without_a_target(watch):
    y = [None if i < 60 else v for i, v in enumerate(CLEAN["y"])]
    [found] = watch(CLEAN | {"y": y}, "missing_target")
    assert (found.code, found.evidence) == ("W327", {"rows": 60})


def test_monitors_say_the_same_again(watch):
    many = {f"c{i}": rng.normal(size=20_000) for i in range(30)} | {"y": rng.choice(["a", "b"], 20_000)}
    first = watch(many)
    assert watch(many) == first
