"""Companions are points of the space that one fit serves, and nothing else."""

from __future__ import annotations

import pytest

from mileage.core.domains import Domain, FloatRange, IntRange, OneOf
from mileage.operators import StepSpec
from mileage.search import companions
from mileage.search.companions import kin
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice

LOG = FloatRange(1e-3, 1e3, log=True)
ROUNDS = IntRange(50, 2000, log=True)


def space(model: str, task: str = "binary", **domains: Domain) -> SearchSpace:
    """Return a space with one model."""
    choice = StepChoice(model, (), tuple(domains.items()))
    scale = Slot("scale", (Alternative((StepChoice("none"),)),))
    return SearchSpace((scale, Slot("model", (Alternative((choice,)),))), task)


def point(model: str, **params: object) -> Configuration:
    """Return a configuration of such a space."""
    return Configuration((("scale", (StepSpec("none"),)), ("model", (StepSpec.of(model, **params),))))


def values(made: tuple[Configuration, ...], name: str) -> list[object]:
    """Return the values of a parameter in configurations."""
    return [dict(c.model.params)[name] for c in made]


@pytest.mark.parametrize(
    ("model", "name", "domain", "value", "others"),
    [
        ("lightgbm", "n_estimators", ROUNDS, 500, [270, 146]),  # fewer rounds are part of many
        ("lightgbm", "n_estimators", ROUNDS, 60, [50]),
        ("lightgbm", "n_estimators", ROUNDS, 50, []),
        ("hist_gbm", "max_iter", ROUNDS, 200, [108, 58]),
        ("knn", "n_neighbors", IntRange(1, 50, log=True), 10, [5, 19]),
        ("logistic", "C", LOG, 1.0, [0.1, 10.0]),
        ("gaussian_nb", "var_smoothing", LOG, 1.0, [0.1, 10.0]),
        ("random_forest", "n_estimators", ROUNDS, 500, []),  # fewer trees are never better
        ("svm", "C", LOG, 1.0, []),  # nothing of a fit serves another
        ("logistic", "C", OneOf((0.1, 1.0)), 1.0, []),
    ],
)
def test_companions_differ_in_what_is_read_last(
    model: str, name: str, domain: Domain, value: float, others: list[float]
) -> None:
    spaces, chosen = space(model, **{name: domain}), point(model, **{name: value})
    made = companions(spaces, chosen)
    assert values(made, name) == pytest.approx(others)
    assert all(spaces.admits(c.choices) for c in made)
    assert {kin(c).digest for c in made} <= {kin(chosen).digest}


def test_a_default_has_companions_too() -> None:
    assert values(companions(space("lightgbm", n_estimators=ROUNDS), point("lightgbm")), "n_estimators") == [54, 50]


def test_what_the_query_fixes_stays() -> None:
    assert companions(space("knn", weights=OneOf(("uniform", "distance"))), point("knn", n_neighbors=5)) == ()


def test_without_a_penalty_there_is_none_to_vary() -> None:
    both = space("logistic", C=LOG, penalty=OneOf(("l2", None)))
    assert companions(both, point("logistic", penalty=None, C=1.0)) == ()
    assert len(companions(both, point("logistic", penalty="l2", C=1.0))) == 2


def test_kin_differ_in_nothing_else() -> None:
    assert kin(point("knn", n_neighbors=5)) == kin(point("knn", n_neighbors=9))
    assert kin(point("svm", C=1.0)) != kin(point("svm", C=2.0))
    assert kin(point("knn", n_neighbors=5, weights="uniform")) != kin(point("knn", n_neighbors=5, weights="distance"))
