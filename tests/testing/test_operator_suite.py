"""The conformance suite finds operators that break what they declare."""

from dataclasses import replace

import pytest

from mileage.operators import Rng, operators
from mileage.testing import check_operator, operator_checks


def _with(name, **changes):
    base = operators.get(name)
    kind = type("Liar", (type(base),), {"__doc__": "Claim too much.", "traits": replace(base.traits, **changes)})
    return kind()


@pytest.mark.parametrize(
    ("name", "lie", "law"),
    [
        ("standard", {"stateless": True}, "stateless"),
        ("iterative", {"columnwise": True}, "columnwise"),
        ("mean", {"cross_fitted": True}, "cross_fitted"),
        ("target", {"cross_fitted": False}, "not_cross_fitted"),
        ("median", {"mergeable": True}, "mergeable"),
        ("mean", {"keeps_missing": True}, "keeps_missing"),
        ("impute_native", {"keeps_missing": False}, "not_keeps_missing"),
        ("pca", {"seeded": False}, "pure_build"),
        ("ridge", {"scale_free": True}, "scale_free"),
        ("svm", {"native_missing": True}, "native_missing"),
        ("gaussian_nb", {"sparse": True}, "sparse"),
        ("random_forest", {"weighted01": True}, "weighted01"),
        ("random_forest", {"order_sensitive": False}, "not_order_sensitive"),
        ("decision_tree", {"additive": True}, "additive"),
        ("knn", {"gram_only": True}, "gram_only"),
        ("svm", {"oracle_loss": True}, "oracle_loss"),
        ("minmax", {"negative": True}, "negative"),
        ("logistic", {"soft_labels": True}, "soft_labels"),
        ("dummy", {"rng": Rng.IN_ORDER}, "random_stream"),
    ],
)
def test_a_false_trait_is_found(name, lie, law):
    checks = [check for check in operator_checks(_with(name, **lie)) if check.law.__name__ == law]
    assert checks
    with pytest.raises((AssertionError, TypeError, ValueError)):  # a library refuses in its own way
        _run(checks)


def test_a_cut_that_is_less_exact_than_declared_is_found():
    class Claims(type(operators.get("pca"))):
        late = tuple(replace(one, claims=("SelectKBest.k",)) for one in operators.get("pca").late)

    checks = [check for check in operator_checks(Claims()) if check.law.__name__ == "late"]
    with pytest.raises(AssertionError, match="fp, not bitwise"):
        _run(checks)


@pytest.mark.parametrize("name", ["standard", "target", "pca", "ridge"])
def test_what_is_declared_is_true(name):
    check_operator(operators.get(name))


def _run(checks):
    for check in checks:
        check()


def test_checks_have_names_to_select_by():
    names = [str(check) for check in operator_checks(operators.get("dummy"))]
    assert len(names) == len(set(names))
