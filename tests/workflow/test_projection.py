"""What is claimed of fitted steps: which outputs an input has a part in, which columns a model reads, what may be left out."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.operators import Branch, BuildContext, operators
from mileage.operators.running import apply, fit_model, fit_transform, predict
from mileage.workflow.partial import partial_step
from mileage.workflow.projection import Asks, law_of, reads_of

N = 120
NUMERIC = ("median", "mean", "constant", "most_frequent", "indicator", "impute_native", "standard", "minmax", "robust",
           "quantile", "power", "none")  # fmt: skip
CATEGORICAL = ("one_hot", "ordinal", "encode_native", "target", "most_frequent", "constant")
SELECTORS = ("variance", "k_best", "model_based")
MODELS = {
    "logistic": {"penalty": "l1", "C": 0.02},
    "linear": {"penalty": "l1", "alpha": 0.3},
    "ridge": {},
    "decision_tree": {"max_depth": 2},
    "random_forest": {"n_estimators": 5, "max_depth": 1},
    "extra_trees": {"n_estimators": 5, "max_depth": 1},
    "hist_gbm": {"max_iter": 2, "max_leaf_nodes": 3},
    "lightgbm": {"n_estimators": 2, "num_leaves": 3},
    "svm_linear": {},
}
rows = st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True).map(sorted)


def numbers(seed: int = 0, *, missing: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(rng.normal(size=(N, 6)) * [1, 9, 0.1, 1, 1e3, 1] + [0, 5, 0, -3, 0, 0], columns=list("abcdef"))
    return made.mask(rng.random((N, 6)) < 0.1) if missing else made


def words(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({name: rng.choice(list("pqrstu")[: i + 2], N) for i, name in enumerate("abcdef")})
    return made.mask(rng.random((N, 6)) < 0.1).astype(object)


def target(X: pd.DataFrame) -> np.ndarray:
    return (np.nan_to_num(X.iloc[:, 0]) + 0.2 * np.nan_to_num(X.iloc[:, 1]) > 1).astype(int)


def fitted(name: str, X: Any, branch: Branch, y: Any = None, **params: Any) -> Any:
    operator = operators.get(name)
    task = "binary" if "binary" in operator.tasks else "regression"
    built = operator.build(operator.complete(params), BuildContext(task, N, 6, 2, 0, branch))
    if operator.is_model:
        return fit_model(built, X, y)
    return fit_transform(built, X, y if operator.traits.reads_y else None)[0]


STEPS: dict[str, tuple[Any, Any]] = {}


def step(name: str, kind: str) -> tuple[Any, Any]:
    """Return a fitted transformer and other rows that it can be applied to."""
    if (name, kind) not in STEPS:
        if kind == "numeric":
            state, X = fitted(name, numbers(), Branch.NUMERIC), numbers(1)
        elif kind == "categorical":
            state, X = fitted(name, words(), Branch.CATEGORICAL, target(numbers())), words(1)
        else:
            fit = numbers(missing=False).to_numpy()
            state, X = fitted(name, fit, Branch.MATRIX, target(pd.DataFrame(fit))), numbers(1, missing=False).to_numpy()
        STEPS[name, kind] = (state, X)
    return STEPS[name, kind]


def dense(out: Any) -> np.ndarray:
    return np.asarray(out.toarray() if hasattr(out, "toarray") else out)


KINDS = [
    *((n, "numeric") for n in NUMERIC),
    *((n, "categorical") for n in CATEGORICAL),
    *((n, "matrix") for n in SELECTORS),
]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_an_input_has_a_part_in_the_outputs_it_is_said_to_have(name: str, kind: str) -> None:
    state, X = step(name, kind)
    law = law_of(state)
    assert law is not None
    before = dense(apply(state, X))
    assert len(law.parts) == 6
    for i in range(6):
        changed = pd.DataFrame(X).copy()
        changed.iloc[:, i] = changed.iloc[:, i].to_numpy()[::-1]
        after = dense(apply(state, changed if kind != "matrix" else changed.to_numpy()))
        same = pd.DataFrame(after == before) | (pd.DataFrame(before).isna() & pd.DataFrame(after).isna())
        assert set(np.flatnonzero(~same.all(axis=0))) <= set(law.parts[i])


@pytest.mark.parametrize(("name", "kind"), KINDS)
@settings(max_examples=5)
@given(kept=rows)
def test_a_partial_step_gives_the_outputs_of_the_whole_one(name: str, kind: str, kept: list[int]) -> None:
    state, X = step(name, kind)
    law = law_of(state)
    assert law is not None
    whole = dense(apply(state, X))[:, list(law.outputs_of(kept))]
    part = dense(apply(partial_step(state, kept), X.iloc[:, kept] if hasattr(X, "iloc") else X[:, kept]))
    assert pd.DataFrame(part).equals(pd.DataFrame(whole))


@pytest.mark.parametrize("name", [name for name in NUMERIC if name != "none"])
@given(scale=st.sampled_from([1.0, 1e3, 1e100, 1e300]))
def test_what_lies_between_the_ends_comes_to_lie_between_their_images(name: str, scale: float) -> None:
    state, X = step(name, "numeric")
    law = law_of(state)
    assert law is not None
    values = X.to_numpy() * scale
    with np.errstate(all="ignore"):
        ends = law.ends(np.array([np.nanmin(values, axis=0), np.nanmax(values, axis=0), np.full(6, np.nan)]))
        if name == "power" and scale > 1e100:  # scikit-learn refuses such numbers, so that nothing is known of them
            assert np.isinf(ends).all()
            return
        made = dense(apply(state, pd.DataFrame(values, columns=X.columns)))
    low, high = (np.fmin.reduce(ends, axis=0), np.fmax.reduce(ends, axis=0))
    inside = (made >= low) & (made <= high)
    assert (inside | (np.isnan(made) & np.isnan(ends[2]))).all()


@pytest.mark.parametrize("name", [name for name in CATEGORICAL if name not in {"most_frequent", "constant"}])
def test_encoded_categories_lie_between_the_ends(name: str) -> None:
    state, X = step(name, "categorical")
    law = law_of(state)
    assert law is not None
    ends, made = law.ends(np.zeros((3, 6))), dense(apply(state, X)).astype(float)
    assert ((made >= ends[0]) & (made <= ends[1]) | (np.isnan(made) & np.isnan(ends[2]))).all()


@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_predicts_the_same_whatever_finite_values_it_does_not_read(name: str) -> None:
    X = numbers(missing=False).to_numpy()
    task = "regression" if "binary" not in operators.get(name).tasks else "binary"
    y = X[:, 0] if task == "regression" else target(pd.DataFrame(X))
    state = fitted(name, X, Branch.MATRIX, y, **MODELS[name])
    reads = reads_of(state)
    assert reads is not None
    assert reads.n_columns == 6
    new, noise = numbers(1, missing=False).to_numpy(), np.random.default_rng(5).normal(size=(N, 6)) * 1e6
    if reads.asks is Asks.NOTHING:
        noise[::2] = np.nan
    read = sorted(reads.columns)
    noise[:, read] = new[:, read]
    whole = predict(state, new, task).values
    assert np.allclose(predict(state, noise, task).values, whole, rtol=1e-12, atol=1e-12)
    kept = sorted({*read, 1})
    part = predict(partial_step(state, kept), new[:, kept], task)
    assert np.allclose(part.values, whole, rtol=1e-12, atol=1e-12)
    assert len(read) < 6 or name in {"ridge", "svm_linear"}


@pytest.mark.parametrize("name", ["knn", "svm", "mlp", "gaussian_nb"])
def test_nothing_is_claimed_of_models_that_read_all_columns(name: str) -> None:
    X = numbers(missing=False).to_numpy()
    assert reads_of(fitted(name, X, Branch.MATRIX, target(pd.DataFrame(X)))) is None


def test_nothing_is_claimed_of_a_class_of_the_users() -> None:
    class StandardScaler:
        n_features_in_ = 2

    assert law_of(StandardScaler()) is None


def test_a_step_that_mixes_columns_is_not_narrowed() -> None:
    assert law_of(fitted("pca", numbers(missing=False).to_numpy(), Branch.MATRIX)) is None
    assert law_of(fitted("impute_knn", numbers(), Branch.NUMERIC)) is None


def test_words_of_a_text_come_from_it_whole() -> None:
    law = law_of(fitted("tf_idf", pd.DataFrame({"t": ["a b", "b c", None]}), Branch.TEXT))
    assert law is not None
    assert law.parts == ((0, 1, 2, 3),)


@pytest.mark.filterwarnings("ignore:.*dayof")
def test_parts_of_a_date_come_from_it() -> None:
    dates = pd.DataFrame({"s": pd.to_datetime(["2024-01-01", "2024-02-03"]), "t": pd.to_datetime(["2020-01-01", None])})
    state = fitted("date_parts", dates, Branch.DATETIME)
    law = law_of(state)
    assert law is not None
    assert law.parts == (tuple(range(7)), tuple(range(7, 14)))
    assert pd.DataFrame(apply(partial_step(state, [1]), dates[["t"]])).equals(pd.DataFrame(apply(state, dates)[:, 7:]))
