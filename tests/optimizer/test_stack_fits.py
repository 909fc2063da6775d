"""Networks are stacked where all of a grid is tried, and where a step is calls rather than products."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mileage.core.domains import OneOf
from mileage.core.exactness import Exactness
from mileage.operators import BuildContext, operators
from mileage.operators.batched import Batched
from mileage.optimizer import Ahead, PlanContext, Rates, expected_s
from mileage.optimizer.rules.stack_fits import stack_fits
from mileage.space import Alternative, SearchSpace, Slot, StepChoice
from mileage.workflow import PhysicalPlan, PlannedTask, Task, TaskKind

RATES = Rates(cell_s=2e-9, product_s=5e-11)
SOURCE = Task(TaskKind.SOURCE, outputs=("X", "y"))


def fit(*, hidden: int = 16, alpha: float = 0.1, n_columns: int = 100) -> Task:
    """Return the fit of a network."""
    params = operators.get("mlp").complete({"hidden": hidden, "alpha": alpha})
    context = (("n_rows", 5000), ("n_columns", n_columns), ("n_classes", 2), ("task", "binary"), ("branch", "matrix"))
    inputs = (SOURCE.port("X"), SOURCE.port("y"))
    return Task(
        TaskKind.FIT,
        operator="mlp",
        params=tuple(params.items()),
        inputs=inputs,
        outputs=("state",),
        context=context,
        is_model=True,
        label="fit mlp",
    )


def stacked(*fits: Task, **context: object) -> list[Task]:
    """Return the tasks that fit several, of a plan of some fits."""
    wanted = tuple(task.port("state") for task in fits)
    plan = PhysicalPlan(tuple(PlannedTask(task) for task in (SOURCE, *fits)), wanted, ())
    made = stack_fits(plan, replace(PlanContext(rates=RATES), **context))
    return [planned.task for planned in made if planned.task.kind is TaskKind.TOGETHER]


def grid(n_trials: int | None) -> Ahead:
    """Return what is ahead of a search over two values of two parameters."""
    open_params = (("alpha", OneOf((0.1, 1.0))), ("learning_rate_init", OneOf((0.001, 0.01))))
    step = StepChoice("mlp", (("hidden", 16),), open_params)
    return Ahead(SearchSpace((Slot("model", (Alternative((step,)),)),), "binary"), n_trials=n_trials)


def test_all_of_a_grid_are_fitted_with_the_first_of_it() -> None:
    [made] = stacked(fit(), ahead=grid(4))
    params = dict(made.params)
    assert params["alpha"] == (0.1, 0.1, 1.0, 1.0)
    assert params["learning_rate_init"] == (0.001, 0.01, 0.001, 0.01)
    assert params["hidden"] == 16
    assert stacked(fit(alpha=1.0), ahead=grid(4)) == [made]


@pytest.mark.parametrize("n_trials", [3, None])
def test_what_may_never_be_tried_is_not_fitted(n_trials: int | None) -> None:
    assert stacked(fit(), ahead=grid(n_trials)) == []


def test_networks_of_other_shapes_are_parted() -> None:
    both = [fit(hidden=hidden, alpha=alpha) for hidden in (8, 16) for alpha in (0.1, 1.0)]
    assert [dict(task.params)["hidden"] for task in stacked(*both)] == [8, 16]
    assert stacked(fit(hidden=8), fit(hidden=16)) == []


def test_wide_networks_are_left_alone() -> None:
    wide = [fit(hidden=512, alpha=alpha) for alpha in (0.1, 1.0)]
    assert stacked(*wide) == []
    assert len(stacked(*wide, rates=None)) == 1
    assert len(stacked(*(replace(task, context=fit(n_columns=3).context) for task in wide))) == 1


def test_what_was_seen_to_differ_is_fitted_alone() -> None:
    both = [fit(alpha=alpha) for alpha in (0.1, 1.0)]
    assert len(stacked(*both)) == 1
    assert stacked(*both, demoted={("stack_fits", "mlp"): Exactness.BROKEN}) == []
    assert stacked(*both, floor=Exactness.BITWISE) == []


def test_it_is_expected_to_save_more_the_narrower_networks_are() -> None:
    mlp, context = operators.get("mlp"), BuildContext(n_rows=5000, n_columns=100)
    assert isinstance(mlp, Batched)
    sooner = [mlp.times_sooner(mlp.complete({"hidden": n}), context, 16) for n in (8, 16, 64, 512)]
    assert sooner == sorted(sooner, reverse=True)
    assert sooner[1] > 3.0
    assert 1.0 < sooner[-1] < 1.2
    [made] = stacked(*(fit(alpha=alpha) for alpha in (0.1, 1.0, 10.0)))
    assert expected_s(fit(), RATES) < expected_s(made, RATES) < 3 * expected_s(fit(), RATES)
