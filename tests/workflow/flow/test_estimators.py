"""A composite estimator taken apart gives what scikit-learn gives, bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from flow_values import value_of
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from mileage.workflow.flow import flow_tasks, node_of, step

N = 120
NUMBERS = [f"n{i}" for i in range(14)]
CODES = [f"i{i}" for i in range(5)]
TEXTS = [f"s{i}" for i in range(9)]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    data = {name: rng.lognormal(size=N) for name in NUMBERS}
    data |= {name: rng.integers(0, 6, N) for name in CODES}
    data |= {name: rng.choice(["a", "bb", "c", "d"], N) for name in TEXTS}
    frame = pd.DataFrame(data)
    frame.loc[::7, "n3"] = np.nan
    frame.loc[::5, "s2"] = None
    frame["f32"] = rng.normal(size=N).astype(np.float32)
    frame["words"] = rng.choice(["one two", "two three", "four"], N)
    return frame


@pytest.fixture(scope="module")
def target():
    return np.random.default_rng(1).integers(0, 2, N)


def same(ours, theirs):
    assert type(ours) is type(theirs)
    if sparse.issparse(theirs):
        assert ours.format == theirs.format
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
    elif isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    else:
        assert ours.dtype == theirs.dtype
        assert ours.flags.f_contiguous == theirs.flags.f_contiguous
        if theirs.dtype == object:  # missing among texts
            pd.testing.assert_frame_equal(pd.DataFrame(ours), pd.DataFrame(theirs), check_exact=True)
        else:
            np.testing.assert_array_equal(ours, theirs, strict=True)


def check(estimator, rows, target, fitted=("get_feature_names_out",)):
    """Compare fit_transform, transform of other rows, and the fitted estimator, with scikit-learn's own."""
    plain, ours = clone(estimator), step(estimator)
    others = rows.sample(60, random_state=2)
    expected = plain.fit_transform(rows, target)
    train = ours.fit_transform(step(lambda: rows)(), target)
    test = ours.transform(step(lambda: others)())
    train, test, whole = value_of(train, test, ours)
    same(train, expected)
    same(test, plain.transform(others))
    assert type(whole) is type(plain)
    same(whole.transform(others), plain.transform(others))
    for method in fitted:
        assert list(getattr(whole, method)()) == list(getattr(plain, method)())


class Centered(TransformerMixin, BaseEstimator):
    """A transformer of one's own, said to be columnwise; it has no names of outputs."""

    __mileage_columnwise__ = True

    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def transform(self, X):
        return np.asarray(X) - self.mean_


NUMERIC = [
    StandardScaler(),
    MinMaxScaler(),
    MaxAbsScaler(),
    RobustScaler(),
    PowerTransformer(standardize=False),
    QuantileTransformer(n_quantiles=30, random_state=0),
    SimpleImputer(),
    SimpleImputer(strategy="median", keep_empty_features=True),
    SimpleImputer(strategy="most_frequent"),
    SimpleImputer(add_indicator=True),
    make_pipeline(SimpleImputer(strategy="constant", fill_value=0), StandardScaler()),
    make_pipeline(SimpleImputer(), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf", random_state=0)),
    make_pipeline(SimpleImputer(), Binarizer(threshold=1.0), PCA(1)),
    make_pipeline(SimpleImputer(), "passthrough"),
    KNNImputer(),
    make_pipeline(SimpleImputer(), Normalizer()),
    make_pipeline(SimpleImputer(), PolynomialFeatures(2)),
]


@pytest.mark.parametrize("transformer", NUMERIC, ids=lambda t: str(t)[:40])
def test_a_branch_of_numbers(rows, target, transformer):
    check(ColumnTransformer([("num", transformer, [*NUMBERS[:7], *CODES, "f32"])]), rows, target)


@pytest.mark.parametrize("names", [NUMBERS, ["f32", *NUMBERS[::3]], NUMBERS[:1]], ids=len)
def test_a_branch_of_any_width(rows, target, names):
    check(ColumnTransformer([("num", make_pipeline(SimpleImputer(), StandardScaler()), names)]), rows, target)


CATEGORICAL = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(sparse_output=False, drop="first", min_frequency=28, handle_unknown="infrequent_if_exist"),
    OneHotEncoder(categories=[["a", "bb", "c", "d", None]] * len(TEXTS), handle_unknown="ignore"),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    TargetEncoder(cv=StratifiedKFold(3)),
    make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=None), OneHotEncoder()),
]


@pytest.mark.parametrize("transformer", CATEGORICAL, ids=lambda t: str(t)[:40])
def test_a_branch_of_texts(rows, target, transformer):
    rows = rows.astype(dict.fromkeys(TEXTS, object)).where(rows.notna(), None)
    check(ColumnTransformer([("cat", transformer, TEXTS)]), rows, target)


@pytest.mark.parametrize(("threshold", "verbose"), [(0.0, True), (0.3, False), (1.0, True)])
def test_branches_stand_in_order_sparse_where_scikit_learn_says(rows, target, threshold, verbose):
    given = [
        ("cat", OneHotEncoder(), TEXTS),
        ("num", StandardScaler(), NUMBERS),
        ("code", "passthrough", CODES),
        ("none", StandardScaler(), []),
        ("no", "drop", ["f32"]),
        ("words", CountVectorizer(), "words"),
    ]
    check(
        ColumnTransformer(given, sparse_threshold=threshold, verbose_feature_names_out=verbose), rows, target
    )  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        make_column_selector(dtype_include=np.number),
        slice("n0", "i4"),
        slice(0, 12),
        [3, 1, 2, -20],
        np.array([True] * 16 + [False] * 14),
        lambda X: [name for name in X if name.startswith("zz")],
    ],
    ids=["selector", "names", "slice", "places", "mask", "none"],
)
def test_columns_may_be_known_when_it_runs(rows, target, columns):
    check(ColumnTransformer([("some", SimpleImputer(), columns)], remainder="passthrough"), rows, target)


@pytest.mark.parametrize("remainder", ["drop", OneHotEncoder(handle_unknown="ignore")], ids=str)
def test_what_remains_may_be_learned_from(rows, target, remainder):
    given = ColumnTransformer([("some", SimpleImputer(), make_column_selector("n"))], remainder=remainder)
    check(given, rows[[*NUMBERS[:3], *TEXTS[:3]]], target)
    check(ColumnTransformer([("none", SimpleImputer(), lambda X: [])], remainder=remainder), rows[TEXTS[:3]], target)


@pytest.mark.parametrize("n_columns", [1, 14])
def test_frames_come_out_where_they_are_asked_for(rows, target, n_columns):
    given = ColumnTransformer(
        [
            ("num", make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS[:n_columns]),
            ("cat", OneHotEncoder(sparse_output=False), TEXTS),
            ("code", "passthrough", CODES),
        ],
        remainder="passthrough",
    ).set_output(transform="pandas")
    check(given, rows, target)
    frames = make_pipeline(given, FunctionTransformer(lambda X: X.iloc[:, :4])).set_output(transform="pandas")
    check(frames, rows, target, ())


def test_weights_and_transformers_of_ones_own(rows, target):
    given = ColumnTransformer(
        [("own", make_pipeline(SimpleImputer(), Centered()), NUMBERS), ("rest", StandardScaler(), CODES)],
        transformer_weights={"own": 0.5},
    )
    check(given, rows, target, ())


def test_a_union_and_nested_pipelines(rows, target):
    given = make_pipeline(
        ColumnTransformer([("num", SimpleImputer(), NUMBERS)]),
        FeatureUnion(
            [("scaled", StandardScaler()), ("few", PCA(2)), ("no", "drop"), ("as", "passthrough")],
            transformer_weights={"few": 2.0},
        ),
        Pipeline([("a", "passthrough"), ("b", MinMaxScaler())]),
    )
    check(given, rows, target)


def test_arrays_have_columns_by_place(target):
    X = np.random.default_rng(3).normal(size=(N, 12))
    for columns in ([0, 3, 5, 7, 9], slice(2, 9), [4]):
        plain = ColumnTransformer([("num", StandardScaler(), columns)], remainder="passthrough")
        ours = step(plain)
        same(value_of(ours.fit_transform(step(lambda: X)(), target)), clone(plain).fit_transform(X, target))
        same(value_of(ours.transform(X[:7])), clone(plain).fit(X).transform(X[:7]))


def test_frames_that_lie_by_row_are_taken_as_they_lie(target):
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(N, 12)) * 1e3, columns=list("abcdefghijkl"), copy=False)
    for columns in (list("abcdefghijkl"), list("acegik"), list("lkjadbg")):
        plain = ColumnTransformer([("num", StandardScaler(), columns)])
        same(value_of(step(plain).fit_transform(step(lambda: X)(), target)), clone(plain).fit_transform(X, target))


def test_a_model_at_the_end_predicts_and_scores(rows, target):
    given = make_pipeline(
        ColumnTransformer([("num", SimpleImputer(), NUMBERS), ("cat", OneHotEncoder(handle_unknown="ignore"), TEXTS)]),
        StandardScaler(with_mean=False),
        LogisticRegression(max_iter=20),
    )
    plain, ours, others = clone(given).fit(rows, target), step(given), rows.iloc[:50]
    assert ours.fit(step(lambda: rows)(), target) is ours
    same(value_of(ours.predict(others)), plain.predict(others))
    same(value_of(ours.predict_proba(others)), plain.predict_proba(others))
    assert value_of(ours.score(rows, target)) == plain.score(rows, target)
    same(value_of(ours[-1].coef_), plain[-1].coef_)
    assert not hasattr(given[-1], "coef_")


def test_what_cannot_be_taken_apart_is_one_step(rows, target):
    given = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=50))
    weights = np.linspace(0, 1, N)
    plain = clone(given).fit(rows[NUMBERS], target, logisticregression__sample_weight=weights)
    ours = step(given).fit(rows[NUMBERS], target, logisticregression__sample_weight=weights)
    same(value_of(ours.predict_proba(rows[NUMBERS])), plain.predict_proba(rows[NUMBERS]))


def test_blocks_have_the_attributes_of_the_whole(rows):
    plain = ColumnTransformer([("num", StandardScaler(), NUMBERS)]).fit(rows)
    ours = value_of(step(ColumnTransformer([("num", StandardScaler(), NUMBERS)])).fit(rows))
    np.testing.assert_array_equal(ours["num"].mean_, plain["num"].mean_)
    assert ours["num"].n_features_in_ == len(NUMBERS)
    assert not hasattr(ours["num"], "nothing_")


def test_the_container_of_the_output_is_part_of_an_estimator(rows):
    given = ColumnTransformer([("num", StandardScaler(), NUMBERS)])
    keys = [
        flow_tasks([port := node_of(step(one).fit_transform(rows))])[port.node].task.fingerprint
        for one in (given, clone(given).set_output(transform="pandas"), clone(given))
    ]
    assert keys[0] == keys[2] != keys[1]


def test_one_more_column_makes_one_more_block(rows):
    def fits(names):
        given = ColumnTransformer([("num", StandardScaler(), names)])
        tasks = flow_tasks([node_of(step(given).fit_transform(frame))])
        return {
            node.inputs[1].node.call.args[1][0]: one
            for node, one in tasks.items()
            if node.label.endswith("fit_transform")
        }

    frame = step(lambda: rows)()
    names = [f"c{i}" for i in range(60)]
    before, after = fits(names), fits([*names[:30], "new", *names[30:]])
    assert len(before) == len(after) > 2
