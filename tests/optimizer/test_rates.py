"""Work is shared where that costs less, by the rates of the machine."""

import pytest

from mileage.operators import StepSpec
from mileage.optimizer import PlanContext, Rates, evaluation_tasks, forecast_sums_s, optimize
from mileage.workflow import Features, PhysicalPlan, Setting, Task, TaskKind, instantiate

SOURCE = Task(TaskKind.SOURCE, params=(("columns", (("a", "numeric"), ("b", "numeric"))),), outputs=("X", "y", "aux"))
DEAL = Task(
    TaskKind.DEAL,
    params=(("method", "folds"), ("n", 3), ("order_by", None)),
    inputs=(SOURCE.port("y"), SOURCE.port("aux")),
    outputs=("splits",),
)


def planned(context: PlanContext, n_rows: int = 10_000) -> PhysicalPlan:
    choices = (("scale", (StepSpec("standard"),)), ("model", (StepSpec.of("ridge", alpha=1.0),)))
    workflow, _ = instantiate(choices, Features(("a", "b")), Setting("regression", n_rows))
    made = evaluation_tasks(workflow, SOURCE, DEAL, n_splits=3, metrics=("rmse",), setting=())
    return optimize((SOURCE, DEAL, *made.tasks), made.scores, context)[0]


def n_sums(plan: PhysicalPlan) -> int:
    return sum(p.task.kind is TaskKind.LIFT for p in plan)


@pytest.mark.parametrize(
    ("rates", "n_rows", "wanted"),
    [
        (None, 10, 3),
        (Rates(cell_s=1e-9, product_s=1e-11), 300, 0),
        (Rates(cell_s=1e-9, product_s=1e-11), 10_000_000, 3),
        (Rates(cell_s=1e-9, product_s=1e-11, slow=1e4), 1_000, 3),
        (Rates(cell_s=1e-5, product_s=1e-7), 10_000_000, 0),
    ],
)
def test_rows_are_summed_up_where_that_costs_less(rates: Rates | None, n_rows: int, wanted: int) -> None:
    assert n_sums(planned(PlanContext(rates=rates), n_rows)) == wanted


def test_the_forecast_of_sums_is_one_look_at_all_rows() -> None:
    rates = Rates(cell_s=1e-6, product_s=0.0)
    forecast = forecast_sums_s(planned(PlanContext()), rates)
    assert len(forecast) == 3
    assert sum(forecast.values()) == pytest.approx(rates.scan_s(10_000, 2, products=True))


def test_measured_rates_are_those_of_some_machine() -> None:
    rates = Rates.measured()
    assert 0 < rates.product_s < rates.cell_s < 1e-6
