"""Workflows from choices: seeds of steps, and what is added where a chain leaves something open."""

from mileage.operators import StepSpec
from mileage.workflow import Features, Setting, Workflow, instantiate

FEATURES = Features(("a", "b"), ("c",), levels=3, numeric_missing=True)


def made(*specs: StepSpec, seed: int = 3) -> Workflow:
    choices = tuple((f"s{i}", (spec,)) for i, spec in enumerate(specs))
    return instantiate(choices, FEATURES, Setting("binary", 200, seed=seed))[0]


def seed_of(workflow: Workflow, name: str) -> object:
    [step] = [s for s in workflow.steps if s.spec is not None and s.spec.operator == name]
    return dict(step.context)["seed"]


def test_the_seed_of_a_step_does_not_depend_on_parameters_or_other_steps() -> None:
    forest = StepSpec.of("random_forest", n_estimators=10)
    plain, other = made(forest), made(StepSpec.of("random_forest", n_estimators=99, max_depth=3))
    longer = made(StepSpec.of("target"), StepSpec.of("quantile"), StepSpec.of("model_based"), forest)
    assert seed_of(plain, "random_forest") == seed_of(other, "random_forest") == seed_of(longer, "random_forest")
    assert seed_of(longer, "target") != seed_of(longer, "random_forest")
    assert seed_of(made(forest, seed=4), "random_forest") != seed_of(plain, "random_forest")


def test_a_step_that_draws_nothing_has_no_seed() -> None:
    assert seed_of(made(StepSpec.of("gaussian_nb")), "gaussian_nb") == 0


def _joined(model: str, levels: int, *, missing: bool = False) -> bool:
    features = Features(("a", "b"), ("c", "d"), levels=levels, numeric_missing=missing)
    choices = (
        ("impute", (StepSpec("impute_native"),)),
        ("encode", (StepSpec("one_hot"),)),
        ("model", (StepSpec(model),)),
    )
    made, _ = instantiate(choices if missing else choices[2:], features, Setting("binary", 1000))
    return bool(dict(next(step for step in made.steps if step.name == "join").context)["dense"])


def test_a_matrix_is_sparse_where_most_of_it_is_zero_and_the_model_gains_by_it() -> None:
    assert not _joined("logistic", 60)
    assert _joined("logistic", 4), "a third of it is not zero"
    assert _joined("random_forest", 60), "trees are slower on sparse rows"
    assert not _joined("random_forest", 600), "too wide to be dense"


def test_a_matrix_with_missing_values_is_dense_unless_the_model_reads_sparse_ones() -> None:
    assert _joined("decision_tree", 600, missing=True)
    assert not _joined("lightgbm", 600, missing=True)
