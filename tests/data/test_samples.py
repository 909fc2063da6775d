"""Samples nest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.data import SplitSpec, deal, nested_sample, sampled
from mileage.data.samples import row_places
from mileage.errors import DataError

Y = np.repeat([0, 1], [900, 100])
DEALT = deal(SplitSpec(n=5, stratify=True), n_rows=1000, y=Y)
shares = st.floats(0.01, 1)


@settings(max_examples=50, deadline=None)
@given(shares, shares, st.integers(0, 3), st.sampled_from(["blocks", "rows", "strata", "keys", "keys and strata"]))
def test_a_smaller_sample_is_part_of_a_larger(a, b, seed, how):
    keys = {"keys": np.arange(1000)}
    more = {"strata": {"y": Y}, "keys": keys, "keys and strata": {"y": Y, **keys}}.get(how, {})
    base = DEALT if how == "blocks" else 1000
    small, large = (nested_sample(base, share, seed=seed, **more) for share in sorted((a, b)))
    assert small.issubset(large)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_sample_has_its_size_and_the_classes_of_the_table(share):
    for made in (nested_sample(DEALT, share), nested_sample(1000, share, y=Y)):
        assert abs(made.n - 1000 * share) <= 20
        assert abs(Y[made.indices()].mean() - 0.1) < 0.05


def test_a_sample_cuts_through_all_folds_alike():
    made = nested_sample(DEALT, 0.4)
    parts = [made.intersection(pair.test).n for pair in DEALT.pairs]
    assert max(parts) - min(parts) <= 20


def test_a_key_is_in_whatever_row_it_stands_in():
    keys = np.array([f"k{i}" for i in range(500)])
    first = set(keys[nested_sample(500, 0.3, keys=keys).indices()])
    turned = keys[::-1]
    assert set(turned[nested_sample(500, 0.3, keys=turned).indices()]) == first
    assert 100 < len(first) < 200


def test_a_share_above_one_is_an_error():
    with pytest.raises(DataError, match="a sample of 1.5 of the rows"):
        nested_sample(10, 1.5)


SPECS = {
    "folds": (SplitSpec(n=5, stratify=True), {"y": Y}),
    "holdout": (SplitSpec("holdout", size=0.2, stratify=True), {"y": Y}),
    "repeated": (SplitSpec(n=4, repeat=2), {}),
    "in order": (SplitSpec(n=4, order_by="t"), {"order": np.arange(1000)}),
    "groups": (SplitSpec(n=4, groups=("g",)), {"groups": np.arange(1000) // 5}),
    "bootstrap": (SplitSpec("bootstrap", n=3), {}),
}


@pytest.mark.parametrize("how", SPECS)
def test_train_rows_of_a_sample_nest_and_test_rows_stay(how):
    spec, given_ = SPECS[how]
    splits = deal(spec, n_rows=1000, **given_)
    levels = [sampled(splits, share) for share in (0.02, 0.1, 0.4, 1.0)]
    for smaller, larger in itertools.pairwise([*levels, splits]):
        for few, many in zip(smaller.pairs, larger.pairs, strict=True):
            assert few.test == many.test
            assert few.train.issubset(many.train)
            assert few.train.n > 0
    for whole, all_ in zip(levels[-1].pairs, splits.pairs, strict=True):
        assert whole.train == all_.train


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_a_sample_keeps_its_share_of_every_train_part(share):
    for how in ("folds", "holdout", "groups", "bootstrap"):
        spec, given_ = SPECS[how]
        splits = deal(spec, n_rows=1000, **given_)
        for few, many in zip(sampled(splits, share).pairs, splits.pairs, strict=True):
            assert 0.5 * share < few.train.n / many.train.n < 1.5 * share + 0.02, how


def test_a_sample_that_leaves_no_train_rows_is_an_error():
    splits = deal(SplitSpec(n=2), n_rows=8)
    with pytest.raises(DataError, match="without train rows"):
        sampled(splits, 0.01, keys=np.zeros(8))


@pytest.mark.parametrize("kind", [np.int64, np.uint8, str])
def test_a_place_depends_on_key_and_seed_alone_and_is_even(kind):
    keys = np.arange(256).astype(kind)
    places = row_places(keys, 3)
    assert (row_places(keys[::-1], 3) == places[::-1]).all()
    assert not (row_places(keys, 4) == places).any()
    counts = np.histogram(places, bins=4, range=(0, 1))[0]
    assert counts.min() > 40  # of 64
    assert len(set(places)) == 256


def test_keys_and_strata_give_each_class_its_share():
    made = nested_sample(1000, 0.2, y=Y, keys=np.arange(1000))
    assert Y[made.indices()].sum() == 20
    assert made.n == 200
