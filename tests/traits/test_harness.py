"""Every declared trait holds with the installed versions, and a false declaration does not pass."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mileage.traits import Claim, Declaration, Exactness, Verdicts, declarations, verify

ALL = declarations()
BY_NAME = {declared.subject.short: declared for declared in ALL}


def test_the_registry_is_large_enough_to_matter() -> None:
    assert len(ALL) >= 60
    assert sum(len(declared.bindings) for declared in ALL) >= 300
    assert all(set(declared.subject.parameters) >= {c.argument for c in declared.bindings} for declared in ALL)


def test_what_is_late_can_be_cut() -> None:
    for declared in ALL:
        assert set(declared.late) <= {claim.argument for claim in declared.claims if claim.law == "cuts"}


@pytest.mark.parametrize("declared", ALL[::3], ids=lambda d: d.subject.short)
def test_what_is_declared_holds(declared: Declaration) -> None:
    assert [str(verdict) for verdict in verify(declared) if verdict.demoted] == []


@pytest.mark.slow
@pytest.mark.parametrize("declared", ALL, ids=lambda d: d.subject.short)
def test_all_that_is_declared_holds(declared: Declaration) -> None:
    assert [str(verdict) for verdict in verify(declared) if verdict.demoted] == []


def claim(law: str, argument: str = "", *values: object, stage: str = "", exactness: str = "fp") -> Claim:
    """Return a claim."""
    return Claim(law, Exactness.of(exactness), argument, values, stage)


FALSE = [
    ("PCA", claim("columnwise")),
    ("SGDRegressor", claim("ignores_order")),
    ("MLPClassifier", claim("additive")),
    ("TargetEncoder", claim("ignores_y")),
    ("RandomForestClassifier", claim("ignores_order")),
    ("DecisionTreeClassifier", claim("additive")),
    ("SelectKBest", claim("ignores_y")),
    ("HuberRegressor", claim("gram_only")),
    ("Ridge", claim("hist_only")),
    ("LogisticRegression", claim("binds", "C", 0.1, stage="never")),
    ("MLPRegressor", claim("path", "alpha", 0.1, 0.01)),
]
IMPOSSIBLE = [
    ("QuantileTransformer", claim("monoid", "standard")),
    ("PowerTransformer", claim("monoid", "standard")),
    ("GaussianNB", claim("monoid", "multinomial")),
    ("RobustScaler", claim("weighted01")),
    ("MinMaxScaler", claim("group", "minmax")),
    ("PolynomialFeatures", claim("columnwise")),
    ("KMeans", claim("binds", "n_clusters", 4, stage="never")),
]


@pytest.mark.parametrize(("name", "false"), FALSE, ids=[f"{name}-{false}" for name, false in FALSE])
def test_a_false_declaration_is_measured_and_demoted(name: str, false: Claim) -> None:
    (verdict,) = verify(replace(BY_NAME[name], claims=(false,)))
    assert verdict.demoted
    assert verdict.exactness > false.exactness
    assert 1e-3 < verdict.evidence.difference < float("inf")


@pytest.mark.parametrize(("name", "false"), IMPOSSIBLE, ids=[f"{name}-{false}" for name, false in IMPOSSIBLE])
def test_what_a_class_has_no_way_to_do_is_demoted(name: str, false: Claim) -> None:
    (verdict,) = verify(replace(BY_NAME[name], claims=(false,)))
    assert verdict.demoted
    assert verdict.evidence.why


def test_a_class_is_not_what_its_registry_says_with_other_parameters() -> None:
    medians = replace(BY_NAME["SimpleImputer"].subject, params=(("strategy", "median"),))
    (verdict,) = verify(replace(BY_NAME["SimpleImputer"], subject=medians, claims=(claim("monoid", "means"),)))
    assert "statistics_ is not learned from the state" in verdict.evidence.why


def test_a_late_parameter_that_is_read_early_is_found() -> None:
    early = claim("binds", "metric", "manhattan", stage="restrict")
    declared = replace(BY_NAME["NearestCentroid"], claims=(early,), states={"scan": ("centroids_",)})
    (verdict,) = verify(declared)
    assert verdict.demoted
    assert "metric = manhattan changes centroids_" in verdict.evidence.why


def test_verdicts_are_kept_and_made_again_for_another_claim(tmp_path: Path) -> None:
    file, scaler = tmp_path / "traits.json", BY_NAME["Binarizer"]
    first = Verdicts(file).of(scaler)
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({key: [[row[0], "approx", 0.5, "kept"] for row in rows] for key, rows in kept.items()}))
    assert {str(v.evidence.exactness) for v in Verdicts(file).of(scaler)} == {"approx"}
    other = replace(scaler, claims=scaler.claims[:2])
    assert Verdicts(file).of(other) == first[:2]


def test_a_damaged_file_of_verdicts_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "traits.json"
    file.write_text("{")
    assert Verdicts(file).of(BY_NAME["Binarizer"])
    assert json.loads(file.read_text())
