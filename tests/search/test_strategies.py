"""What single strategies do, on a space with conditions; the laws of all are in test_conformance."""

import random

from mileage.core.domains import FloatRange, IntRange
from mileage.operators import StepSpec
from mileage.search import SearchContext, strategies
from mileage.search.sampling import nearest, random_configuration
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice, conflict


def space() -> SearchSpace:
    impute = Slot("impute", (Alternative((StepChoice("median"),)), Alternative((StepChoice("impute_native"),))))
    scale = Slot("scale", (Alternative((StepChoice("none"),)), Alternative((StepChoice("standard"),))))
    logistic = StepChoice("logistic", (), (("C", FloatRange(0.01, 10.0, log=True)),))
    trees = StepChoice("hist_gbm", (), (("max_iter", IntRange(5, 50)),))
    model = Slot(
        "model", (Alternative((logistic,)), Alternative((trees,)), Alternative((StepChoice("multinomial_nb"),)))
    )
    return SearchSpace((impute, scale, model), "binary")


def test_exhaustive_lists_a_finite_space_without_its_conflicts() -> None:
    whole = space()
    finite = SearchSpace((*whole.slots[:2], Slot("model", (Alternative((StepChoice("ridge"),)),))), "regression")
    strategy = strategies.get("exhaustive").begin(SearchContext(finite))
    found = []
    while (proposal := strategy.ask()) is not None:
        found.append(str(proposal.configuration))
    assert found == ["median >> ridge", "median >> standard >> ridge"]


def test_nearest_keeps_the_wish_where_it_is_legal() -> None:
    wish = {"model": StepSpec.of("logistic", C=5.0), "impute": StepSpec("impute_native"), "scale": StepSpec("standard")}
    made = nearest(space(), wish)
    assert made is not None
    assert str(made) == "median >> standard >> logistic(C = 5.0)"


def test_nearest_is_none_where_the_model_is_cut() -> None:
    assert nearest(space(), {"model": StepSpec("svm")}) is None


def test_a_random_configuration_has_no_conflict() -> None:
    rng = random.Random(0)
    for _ in range(200):
        drawn = random_configuration(space(), rng)
        assert drawn is None or conflict(drawn.steps, "binary") is None


def test_tpe_learns_from_what_others_tried_and_left_at_its_default() -> None:
    tpe = strategies.get("tpe").begin(SearchContext(space(), seed=1))
    for model in (StepSpec("hist_gbm"), StepSpec.of("hist_gbm", max_iter=20), StepSpec("logistic")):
        chosen = (("impute", (StepSpec("median"),)), ("scale", (StepSpec("standard"),)), ("model", (model,)))
        tpe.tell(Configuration(chosen), 0.5)
    learned = [trial.params for trial in tpe._begun().trials]
    assert [params.get("model.1:hist_gbm.0.max_iter") for params in learned] == [50, 20, None], "100 is beyond the edge"
    assert learned[2]["model.0:logistic.0.C"] == 1.0
