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
    ("name", "lie"),
    [
        ("standard", {"stateless": True}),
        ("iterative", {"columnwise": True}),
        ("mean", {"cross_fitted": True}),
        ("target", {"cross_fitted": False}),
        ("median", {"mergeable": True}),
        ("pca", {"seeded": False}),
        ("ridge", {"scale_free": True}),
        ("svm", {"native_missing": True}),
        ("xgboost", {"sparse": True}),
        ("random_forest", {"weighted01": True}),
        ("random_forest", {"order_sensitive": False}),
        ("decision_tree", {"additive": True}),
        ("decision_tree", {"truncates": ("max_depth", "min_samples_leaf")}),
        ("knn", {"gram_only": True}),
        ("svm", {"oracle_loss": True}),
        ("minmax", {"negative": True}),
        ("dummy", {"rng": Rng.IN_ORDER}),
    ],
)
def test_a_false_trait_is_found(name, lie):
    with pytest.raises((AssertionError, ValueError)):
        check_operator(_with(name, **lie))


def test_checks_have_names_to_select_by():
    names = [str(check) for check in operator_checks(operators.get("dummy"))]
    assert len(names) == len(set(names))
