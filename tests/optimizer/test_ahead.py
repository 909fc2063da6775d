"""What later plans may ask for."""

from mileage.core.domains import FloatRange, IntRange, OneOf, Value
from mileage.core.reasons import Reason
from mileage.operators import operators
from mileage.optimizer import Ahead
from mileage.space import Alternative, SearchSpace, Slot, StepChoice

TREES = ("n_estimators", IntRange(10, 50))
RATES = tuple(
    StepChoice("lightgbm", (("learning_rate", r), ("n_estimators", n))) for r, n in ((0.1, 20), (0.1, 80), (0.3, 99))
)


def space(*steps: StepChoice) -> SearchSpace:
    """Return a space of one slot."""
    return SearchSpace((Slot("model", tuple(Alternative((step,), 1.0, Reason("")) for step in steps)),), "binary")


def largest(ahead: Ahead, name: str, **params: Value) -> dict[str, Value]:
    """Return what is ahead of a fit."""
    operator = operators.get(name)
    return ahead.largest(name, operator.complete(params), operator.late)


def test_a_range_beside_few_others_is_fitted_at_its_end() -> None:
    forest = StepChoice("random_forest", (), (TREES, ("max_depth", IntRange(4, 8))))
    assert largest(Ahead(space(forest)), "random_forest", max_depth=5) == {"n_estimators": 50}


def test_where_hardly_two_trials_share_a_fit_each_has_its_own() -> None:
    many = StepChoice("random_forest", (), (TREES, ("max_depth", IntRange(1, 100))))
    open_ended = StepChoice("extra_trees", (), (TREES, ("max_features", FloatRange(0.1, 1.0))))
    ahead = Ahead(space(many, open_ended))
    assert largest(ahead, "random_forest", max_depth=5) == largest(ahead, "extra_trees", max_features=0.5) == {}


def test_where_all_of_the_space_is_tried_fits_are_shared_however_many_others_there_are() -> None:
    many = StepChoice("random_forest", (), (TREES, ("max_depth", IntRange(1, 100))))
    assert largest(Ahead(space(many), n_trials=41 * 100), "random_forest", max_depth=5) == {"n_estimators": 50}
    assert largest(Ahead(space(many), n_trials=99), "random_forest", max_depth=5) == {}


def test_what_is_fixed_or_cannot_be_cut_is_left() -> None:
    fixed = StepChoice("random_forest", (("n_estimators", 20),), (("max_depth", OneOf((2, 4))),))
    ahead = Ahead(space(fixed, StepChoice("logistic", (), (("C", OneOf((0.1, 1.0))),))))
    assert largest(ahead, "random_forest", max_depth=2, n_estimators=20) == largest(ahead, "logistic", C=0.1) == {}


def test_configurations_that_are_listed_one_by_one_share_with_those_that_are_equal_in_all_else() -> None:
    ahead = Ahead(space(*RATES))
    assert largest(ahead, "lightgbm", learning_rate=0.1, n_estimators=20) == {"n_estimators": 80}
    assert largest(ahead, "lightgbm", learning_rate=0.3, n_estimators=99) == {}


def test_values_that_are_listed_one_by_one_are_made_together() -> None:
    steps = [StepChoice("logistic", (("C", c), ("max_iter", n))) for c, n in ((0.1, 300), (1.0, 300), (5.0, 99))]
    asked = operators.get("logistic").complete({"C": 0.1})
    assert Ahead(space(*steps), n_trials=3).listed("logistic", asked, ("C",)) == ((0.1,), (1.0,))
    assert Ahead(space(*steps), n_trials=2).listed("logistic", asked, ("C",)) == ()
