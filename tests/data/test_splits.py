"""Splits are scikit-learn's own, and blocks refine them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from mileage.data import SplitSpec, deal
from mileage.data.blocks import iter_blocks
from mileage.errors import DataError

rng = np.random.default_rng(0)
N = 240
Y = rng.integers(0, 3, N)
GROUPS = rng.integers(0, 40, N)
ORDER = rng.normal(size=N)

SPECS = {
    "folds": (SplitSpec(n=4, seed=3), {}),
    "stratified": (SplitSpec(n=5, stratify=True), {"y": Y}),
    "other strata": (SplitSpec(n=5, stratify=("c",)), {"y": Y, "strata": GROUPS % 4}),
    "repeated": (SplitSpec(n=3, repeat=2), {"y": Y}),
    "repeated stratified": (SplitSpec(n=3, repeat=2, stratify=True), {"y": Y}),
    "groups": (SplitSpec(n=4, groups=("g",)), {"groups": GROUPS}),
    "repeated groups": (SplitSpec(n=4, repeat=2, groups=("g",)), {"groups": GROUPS}),
    "stratified groups": (SplitSpec(n=4, groups=("g",), stratify=True), {"y": Y, "groups": GROUPS}),
    "holdout": (SplitSpec("holdout", size=0.25, repeat=2), {}),
    "holdout of rows": (SplitSpec("holdout", size=50), {}),
    "stratified holdout": (SplitSpec("holdout", size=0.2, stratify=True), {"y": Y}),
    "group holdout": (SplitSpec("holdout", size=0.2, groups=("g",)), {"groups": GROUPS}),
    "time": (SplitSpec(n=4, order_by="t"), {"order": ORDER}),
    "last part": (SplitSpec("holdout", size=0.2, order_by="t"), {"order": ORDER}),
    "time of groups": (
        SplitSpec(n=4, order_by="t", groups=("g",)),
        {"order": ORDER, "groups": ORDER.argsort().argsort() // 7},
    ),
    "bootstrap": (SplitSpec("bootstrap", n=3), {}),
    "bootstrap of groups": (SplitSpec("bootstrap", n=3, groups=("g",)), {"groups": GROUPS}),
}


@pytest.mark.parametrize("name", SPECS)
def test_train_and_test_have_no_row_in_common(name):
    spec, given_ = SPECS[name]
    splits = deal(spec, n_rows=N, **given_)
    assert splits.pairs
    assert all(pair.train.isdisjoint(pair.test) for pair in splits.pairs)


@pytest.mark.parametrize("name", SPECS)
def test_the_code_deals_the_same_splits_in_a_plain_script(name):
    spec, given_ = SPECS[name]
    splits = deal(spec, n_rows=N, **given_)
    names = {"X": np.zeros((N, 2)), "y": None, "groups": None, "strata": None, "order": None} | given_
    exec("\n".join(splits.imports), names)
    pairs = list(eval(splits.code, names))
    assert len(pairs) == len(splits.pairs)
    for (train, test), pair in zip(pairs, splits.pairs, strict=True):
        assert np.array_equal(np.asarray(train), pair.train.indices())
        assert np.array_equal(np.asarray(test), pair.test.indices())


@pytest.mark.parametrize("name", [name for name, (spec, _) in SPECS.items() if spec.groups])
def test_groups_stay_whole(name):
    spec, given_ = SPECS[name]
    groups = given_["groups"]
    for pair in deal(spec, n_rows=N, **given_).pairs:
        assert not set(groups[pair.train.indices()]) & set(groups[pair.test.indices()])


@pytest.mark.parametrize("name", ["time", "last part", "time of groups"])
def test_later_rows_are_scored_by_earlier_ones(name):
    spec, given_ = SPECS[name]
    for pair in deal(spec, n_rows=N, **given_).pairs:
        assert ORDER[pair.train.indices()].max() < ORDER[pair.test.indices()].min()


@pytest.mark.parametrize("name", ["folds", "stratified", "groups", "stratified groups", "other strata"])
def test_test_folds_cover_each_row_once(name):
    spec, given_ = SPECS[name]
    tested = np.concatenate([pair.test.indices() for pair in deal(spec, n_rows=N, **given_).pairs])
    assert sorted(tested) == list(range(N))


def test_folds_are_those_of_scikit_learn():
    folds = deal(SplitSpec(n=5, stratify=True, seed=7), n_rows=N, y=Y).pairs
    for pair, (_, test) in zip(folds, StratifiedKFold(5, shuffle=True, random_state=7).split(Y, Y), strict=True):
        assert np.array_equal(pair.test.indices(), test)
    for pair, (_, test) in zip(
        deal(SplitSpec(n=5), n_rows=N).pairs, KFold(5, shuffle=True, random_state=0).split(Y), strict=True
    ):
        assert np.array_equal(pair.test.indices(), test)
    grouped = deal(SplitSpec(n=5, groups=("g",)), n_rows=N, groups=GROUPS).pairs
    ours = GroupKFold(5, shuffle=True, random_state=0).split(Y, groups=GROUPS)
    for pair, (_, test) in zip(grouped, ours, strict=True):
        assert np.array_equal(pair.test.indices(), test)
    timed = deal(SplitSpec(n=3, order_by="t"), n_rows=N, order=np.arange(N)).pairs
    for pair, (train, _) in zip(timed, TimeSeriesSplit(3).split(Y), strict=True):
        assert np.array_equal(pair.train.indices(), train)


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 400), st.integers(2, 8), st.integers(0, 5))
def test_blocks_refine_folds(n_rows, n, seed):
    splits = deal(SplitSpec(n=n, seed=seed), n_rows=n_rows)
    assert splits.block_of_row.dtype == np.uint8
    fold_of = np.zeros(n_rows, dtype=int)
    for i, pair in enumerate(splits.pairs):
        fold_of[pair.test.indices()] = i
    assert all(len(set(fold_of[rows])) == 1 for _, rows in iter_blocks(splits.block_of_row))


def test_there_are_about_64_blocks_alike_in_size_and_classes():
    y = np.repeat([0, 1], [4000, 1000])
    splits = deal(SplitSpec(n=5, stratify=True), n_rows=5000, y=y)
    sizes = [len(rows) for _, rows in iter_blocks(splits.block_of_row)]
    shares = [y[rows].mean() for _, rows in iter_blocks(splits.block_of_row)]
    assert len(sizes) == 65
    assert max(sizes) - min(sizes) <= 2
    assert max(shares) - min(shares) < 0.03


def test_groups_stand_in_one_block_each():
    splits = deal(SplitSpec(n=4, groups=("g",)), n_rows=N, groups=GROUPS)
    assert all(len(set(splits.block_of_row[group == GROUPS])) == 1 for group in set(GROUPS))


def test_blocks_of_time_are_contiguous():
    splits = deal(SplitSpec(n=4, order_by="t"), n_rows=N, order=ORDER)
    runs = splits.block_of_row[np.argsort(ORDER)]
    assert np.count_nonzero(runs[1:] != runs[:-1]) == len(set(runs.tolist())) - 1


def test_a_class_with_fewer_rows_than_folds_is_dealt():
    y = np.array([0] * 40 + [1] * 2)
    splits = deal(SplitSpec(n=5, stratify=True), n_rows=42, y=y)
    assert "Stratified" in splits.code
    lone = deal(SplitSpec("holdout", stratify=True), n_rows=41, y=y[:41])
    assert " ShuffleSplit(" in lone.code
    assert "too rare" in lone.notes[0]


def test_all_classes_of_one_row_are_dealt_without_strata():
    splits = deal(SplitSpec(n=5, stratify=True), n_rows=20, y=np.arange(20))
    assert splits.code.startswith("KFold")


@pytest.mark.parametrize(
    ("spec", "given_", "said"),
    [
        (SplitSpec(n=5), {"n_rows": 4}, "4 rows cannot be dealt to 5 folds"),
        (SplitSpec("holdout"), {"n_rows": 1}, "1 rows are too few"),
        (SplitSpec("holdout", size=50), {"n_rows": 10}, "50 of 10 rows cannot be held out"),
        (
            SplitSpec(n=5, groups=("g",)),
            {"n_rows": 9, "groups": np.arange(9) // 3},
            "3 groups cannot be dealt to 5 folds",
        ),
        (SplitSpec("leave"), {"n_rows": 9}, "no way to split is named 'leave'"),
    ],
)
def test_what_cannot_be_dealt_is_one_error(spec, given_, said):
    with pytest.raises(DataError, match=said):
        deal(spec, **given_)
