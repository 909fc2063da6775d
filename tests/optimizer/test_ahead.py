"""What later plans may ask for."""

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.core.reasons import Reason
from mileage.optimizer import largest_ahead
from mileage.space import Alternative, SearchSpace, Slot, StepChoice

TREES = ("n_estimators", IntRange(10, 50))


def space(*steps: StepChoice) -> SearchSpace:
    """Return a space of one slot."""
    return SearchSpace((Slot("model", tuple(Alternative((step,), 1.0, Reason("")) for step in steps)),), "binary")


def test_a_range_beside_few_others_is_fitted_at_its_end() -> None:
    forest = StepChoice("random_forest", (), (TREES, ("max_depth", IntRange(4, 8))))
    assert dict(largest_ahead(space(forest))) == {("random_forest", "n_estimators"): 50}


def test_where_hardly_two_trials_share_a_fit_each_has_its_own() -> None:
    many = StepChoice("random_forest", (), (TREES, ("max_depth", IntRange(1, 100))))
    open_ended = StepChoice("extra_trees", (), (TREES, ("max_features", FloatRange(0.1, 1.0))))
    assert dict(largest_ahead(space(many, open_ended))) == {}


def test_what_is_fixed_or_cannot_be_cut_is_left() -> None:
    fixed = StepChoice("random_forest", (("n_estimators", 20),), (("max_depth", OneOf((2, 4))),))
    assert dict(largest_ahead(space(fixed, StepChoice("logistic", (), (("C", OneOf((0.1, 1.0))),))))) == {}
