"""Names, parameters and versions of operators; running them on what tasks hand over."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mileage.errors import ExtraMissing, OperatorError
from mileage.operators import BuildContext, Family, operators, resolve, running
from mileage.operators.cutting import cut_step
from mileage.operators.external import from_estimator
from mileage.operators.versions import versions

FORESTS = ("decision_tree", "random_forest", "extra_trees")


def test_listing_operators_imports_no_library():
    code = "import sys; from mileage.operators import operators; operators.names(); print([m for m in ('sklearn', 'pandas', 'lightgbm') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize(
    ("name", "family", "wanted"),
    [
        ("native", Family.IMPUTE, "impute_native"),
        ("native", Family.ENCODE, "encode_native"),
        ("knn", Family.IMPUTE, "impute_knn"),
        ("knn", Family.MODEL, "knn"),
        ("none", Family.SCALE, "none"),
        ("Linear_SVM", None, "svm_linear"),
    ],
)
def test_a_name_is_read_within_its_family(name, family, wanted):
    assert resolve(name, family).name == wanted


def test_a_name_of_another_family_is_not_found():
    assert resolve("median", Family.SCALE) is None


@pytest.mark.parametrize("name", FORESTS)
def test_a_criterion_must_serve_the_task(name):
    operator = operators.get(name)
    operator.check(operator.complete({"criterion": "entropy"}), "binary")
    with pytest.raises(OperatorError, match="does not serve regression"):
        operator.check(operator.complete({"criterion": "entropy"}), "regression")
    with pytest.raises(OperatorError):
        operator.build(operator.complete({"criterion": "entropy"}), BuildContext("regression"))


def test_all_columns_may_be_tried_at_a_cut():
    forest = operators.get("random_forest")
    assert forest.build(forest.complete({"max_features": None}), BuildContext()).max_features is None


def test_numbers_take_the_type_of_their_domain():
    made = operators.get("random_forest").complete({"n_estimators": 20.0, "max_depth": 4.0})
    assert (repr(made["n_estimators"]), repr(made["max_depth"])) == ("20", "4")
    assert repr(operators.get("logistic").complete({"C": 1})["C"]) == "1.0"
    assert [repr(operators.get("k_best").complete({"k": k})["k"]) for k in (1, 1.0)] == ["1", "1.0"]


def test_versions_name_the_library():
    assert any(v.startswith("lightgbm ") for v in versions(operators.get("lightgbm")))


def test_a_missing_extra_names_its_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(ExtraMissing, match=r'pip install "mileage\[xgboost\]"'):
        operators.get("xgboost").build(operators.get("xgboost").complete({}), BuildContext())


@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet", None])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.filterwarnings("error")
def test_every_penalty_of_logistic_fits_without_a_warning(penalty, task):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 3)), rng.integers(0, 2 if task == "binary" else 3, 90)
    operator = operators.get("logistic")
    context = BuildContext(task, n_classes=2 if task == "binary" else 3)
    running.fit_model(operator.build(operator.complete({"penalty": penalty}), context), X, y)


@pytest.mark.filterwarnings("error")
def test_lightgbm_reads_category_codes_as_names():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 20, 400)
    y = rng.permutation(20)[codes] % 2
    X = np.column_stack([codes.astype(float), rng.normal(size=400)])
    operator = operators.get("lightgbm")
    model = running.fit_model(operator.build(operator.complete({"n_estimators": 1}), BuildContext(codes=(0,))), X, y)
    assert model.booster_.dump_model()["tree_info"][0]["tree_structure"]["decision_type"] == "=="


def test_more_components_or_columns_than_there_are_keep_all():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    pca = operators.get("pca")
    assert running.fit_transform(pca.build(pca.complete({"n_components": 50}), BuildContext()), X)[1].shape == (40, 3)


def test_components_cut_back_are_those_that_are_kept():
    X, context = np.random.default_rng(0).normal(size=(40, 5)), BuildContext()
    pca = operators.get("pca")
    whole, two = (pca.build(pca.complete({"n_components": n}), context).fit(X) for n in (100_000, 2))
    for n in (2, 50):
        made = cut_step(pca, whole, pca.complete({"n_components": n}), context)
        assert len(made[0].components_) == min(n, 5)
    assert len(whole[0].components_) == 5
    made = cut_step(pca, whole, pca.complete({"n_components": 2}), context)
    np.testing.assert_allclose(made.transform(X), two.transform(X), atol=1e-12)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_mutual_information_is_the_same_each_time(task):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int) if task == "binary" else X[:, 0]
    k_best = operators.get("k_best")
    made = [k_best.build(k_best.complete({"score": "mutual_information"}), BuildContext(task)) for _ in range(2)]
    assert made[0].fit(X, y).scores_.tolist() == made[1].fit(X, y).scores_.tolist()


def test_categories_stay_a_table_of_texts_when_imputed():
    X = pd.DataFrame({"a": pd.array(["x", None, "x"], dtype="str"), "b": pd.array([None] * 3, dtype="str")})
    for name in ("most_frequent", "constant"):
        operator = operators.get(name)
        _, out = running.fit_transform(operator.build(operator.complete({}), BuildContext(branch="categorical")), X)
        assert [str(t) for t in out.dtypes] == ["str", "str"]
        assert not out.isna().any().any()


@pytest.mark.parametrize("texts", [["", None], ["!!", "?"], ["one", "two"]])
def test_no_text_leaves_an_empty_vocabulary(texts):
    X = pd.DataFrame({"t": pd.array(texts, dtype="str")})
    operator = operators.get("tf_idf")
    _, out = running.fit_transform(operator.build(operator.complete({}), BuildContext()), X)
    assert out.shape[0] == 2


def test_joining_is_what_column_transformer_does():
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    X = pd.DataFrame({"n": [1.0, 2.0, 3.0], "c": ["a", "b", "a"]})
    encoded = OneHotEncoder().fit_transform(X[["c"]])
    for dense in (True, False):
        parts = [("n", "passthrough", ["n"]), ("c", OneHotEncoder(), ["c"])]
        wanted = ColumnTransformer(parts, sparse_threshold=0.0 if dense else 1.0).fit_transform(X)
        got = running.join([X[["n"]], encoded], dense)
        assert sparse.issparse(wanted) == sparse.issparse(got)
        assert ((wanted != got).sum() if not dense else (wanted != got).any()) == 0


def test_margins_of_an_absent_class_are_lowest():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2 * 2  # classes 0 and 2 of 3
    ridge = operators.get("ridge")
    state = running.fit_model(ridge.build(ridge.complete({}), BuildContext("multiclass", n_classes=3)), X, y)
    made = running.predict(state, X, "multiclass", 3)
    assert made.values.shape == (40, 3)
    assert (made.values.argmax(axis=1) == made.labels).all()


def test_any_estimator_is_an_operator():
    operator = from_estimator("sklearn.linear_model.HuberRegressor", name="huber_for_test")
    try:
        assert operator.tasks == ("regression",)
        assert operator.build(operator.complete({"epsilon": 2.0}), BuildContext("regression")).epsilon == 2.0
    finally:
        operators.remove("huber_for_test")
    with pytest.raises(OperatorError, match="no estimator"):
        from_estimator("sklearn.linear_model.Nothing")


def test_estimators_of_one_name_stay_apart():
    from sklearn.ensemble import BaggingClassifier
    from sklearn.tree import DecisionTreeClassifier

    try:
        made = [
            from_estimator(BaggingClassifier(DecisionTreeClassifier(max_depth=d)), name="bag_for_test")
            for d in (1, 1, 2)
        ]
    finally:
        operators.remove("bag_for_test")
    assert made[0].version == made[1].version != made[2].version
    assert versions(made[0])[0].startswith("scikit-learn ")


@pytest.mark.parametrize("classes", [(0, 1, 2), (0, 2), (1,)])
def test_target_encoding_needs_no_class_to_be_in_the_train_rows(classes):
    y = np.resize(classes, 60)
    X = pd.DataFrame({"c": pd.array(["u", "v", "w"] * 20, dtype="str")})
    operator = operators.get("target")
    built = operator.build(operator.complete({}), BuildContext("multiclass", n_classes=3, branch="categorical"))
    state, out = running.fit_transform(built, X, y)
    assert np.isfinite(out).all()
    assert running.apply(state, X).shape == out.shape


def test_iterative_imputation_fits_a_table_that_must_not_be_written_to():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3))).mask(lambda f: f > 1)
    operator = operators.get("iterative")
    _, out = running.fit_transform(operator.build(operator.complete({}), BuildContext()), X)
    assert np.isfinite(out).all()
